//! `dunlin explore`

use crate::args::ExploreOptions;
use crate::failure::Failure;

/// Writes the page.
pub(crate) fn explore(options: &ExploreOptions) -> Result<(), Failure> {
    use crate::modules::load::{Opened, Whole, display_name};
    use crate::output::destination::Destination;
    use dunlin::{Config, Engine, ModuleOptions};
    use dunlin_debug::Explored;
    use dunlin_jit::aot::{Compile, Target};
    use std::path::Path;

    let target = match options.target.as_deref() {
        Some(name) => Some(Target::named(name).ok_or_else(|| {
            Failure::usage(format_args!("--target takes aarch64-linux or x86_64-linux, not '{name}'"))
        })?),
        None => Target::here(),
    };
    let output = match &options.output {
        Some(path) => path.clone(),
        None if options.module == "-" => {
            return Err(Failure::usage("-o is missing: standard input has no name to make one of"));
        }
        None => Path::new(Path::new(&options.module).file_name().unwrap_or_default()).with_extension("html"),
    };
    let name = display_name(&options.module);
    let destination = Destination::open("-o", &output)?;
    let engine = Engine::new(&Config::new()).map_err(Failure::unusable)?;
    let opened = Opened::open(&options.module, &options.registry)?;
    let Whole { module, bytes } = opened.load_whole(&engine, &ModuleOptions::new())?;
    let how = target.map(Compile::new);
    let explored = Explored { module: &module, bytes: &bytes, name: &name, how: how.as_ref() };
    // It is made as a whole first: if it can't be, nothing is written.
    let mut page = Vec::new();
    dunlin_debug::explore(&explored, &mut page)
        .map_err(|why| Failure::unusable(format_args!("{name}: can't be shown: {why}")))?;
    destination.write(&|out| out.write_all(&page))
}
