//! `dunlin compile`

use crate::args::CompileOptions;
use crate::failure::Failure;

/// Compiles a module, and writes it with its machine code.
pub(crate) fn compile(options: &CompileOptions) -> Result<(), Failure> {
    use crate::host::files::same_file;
    use crate::modules::load::{Opened, Whole, defined_functions, display_name, is_in_registry};
    use crate::output::destination::Destination;
    use crate::output::{Progress, complain, count, print};
    use dunlin::{Config, Engine, ModuleOptions};
    use dunlin_jit::aot;
    use std::path::Path;

    let how = how(options)?;
    let output = match &options.output {
        Some(path) => path.clone(),
        None if options.module == "-" => {
            return Err(Failure::usage("-o is missing: standard input has no name to make one of"));
        }
        None if is_in_registry(&options.module) => {
            return Err(Failure::usage("-o is missing: a module in a registry has no file to put it beside"));
        }
        None => Path::new(&options.module).with_extension("dun"),
    };
    if options.module != "-" && same_file(&output, Path::new(&options.module)) {
        return Err(Failure::usage("-o names the module itself, which would be lost"));
    }
    let name = display_name(&options.module);
    let destination = Destination::open("-o", &output)?;
    let mut config = Config::new();
    config.consume_fuel(options.fuel);
    options.features.configure(&mut config);
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let opened = Opened::open(&options.module, &options.registry)?;
    let Whole { module, bytes } = opened.load_whole(&engine, &ModuleOptions::new())?;
    let progress = Progress::on_stderr();
    let tell = |begun, all| progress.show(|| format!("{name}: {begun} of {all} functions"));
    let made = aot::compile_with_progress(&module, &bytes, &how, &tell);
    drop(progress);
    let made = made.map_err(|why| Failure::unusable(format_args!("{name}: can't be compiled: {why}")))?;
    destination.write(&|out| out.write_all(&made.bytes))?;
    for (why, number) in &made.stats.declined {
        let functions = if *number == 1 { "function stays" } else { "functions stay" };
        complain(format_args!("warning: {number} {functions} interpreted: {why}"));
    }
    if let (None, Some(missing)) = (&options.target, made.settings.missing_feature()) {
        complain(format_args!(
            "warning: this processor has no {missing}, so the machine code can't run here"
        ));
    }
    let summary = format!(
        "{}: {} of {} compiled for {}, {} of machine code",
        output.display(),
        made.stats.functions,
        count(defined_functions(&module).into(), "function"),
        made.settings,
        count(made.stats.code_bytes, "byte")
    );
    // Where the result goes, nothing else does.
    if destination.is_stdout() {
        complain(summary);
        return Ok(());
    }
    print(&format!("{summary}\n"))
}

fn how(options: &CompileOptions) -> Result<dunlin_jit::aot::Compile, Failure> {
    use dunlin_jit::aot::{Compile, CpuFeatures, Target};
    let target = match options.target.as_deref() {
        Some(name) => Target::named(name).ok_or_else(|| {
            Failure::usage(format_args!("--target takes aarch64-linux or x86_64-linux, not '{name}'"))
        })?,
        None => Target::here().ok_or_else(|| {
            Failure::usage("--target is missing: what is compiled for this machine couldn't be run on it")
        })?,
    };
    let mut how = Compile::new(target);
    how.guarded = options.memory_guard;
    how.branch_protection = options.branch_protection;
    how.cpu = match options.cpu_features.as_deref() {
        None | Some("baseline") => CpuFeatures::Baseline,
        Some("native") if Target::here() == Some(target) => CpuFeatures::Native,
        Some("native") => {
            return Err(Failure::usage(format_args!(
                "--cpu-features native is for this machine, which is no {target}"
            )));
        }
        Some("x86-64-v3") if target == Target::X86_64 => CpuFeatures::V3,
        Some(name) => {
            let levels = if target == Target::X86_64 { ", x86-64-v3" } else { "" };
            return Err(Failure::usage(format_args!(
                "--cpu-features takes baseline{levels} or native for {target}, not '{name}'"
            )));
        }
    };
    Ok(how)
}
