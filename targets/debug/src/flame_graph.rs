//! Profiles as pictures.

use crate::frame;
use dunlin::{Profile, ProfileFrame};
use inferno::flamegraph::{self, Options};
use std::io::{self, Write};

/// Writes a profile as a flame graph: an SVG, in which a browser can zoom and search. Names are
/// demangled.
///
/// ```
/// use dunlin::{Engine, Instance, Module, Store};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let text = r#"(module (func (export "spin") (param i32)
///     (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;
/// let module = Module::new(&engine, text)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// store.profile(10_000);
/// instance.get_typed_func::<i32, ()>(&store, "spin")?.call(&mut store, 1_000_000)?;
/// let profile = store.take_profile().unwrap();
/// let mut svg = Vec::new();
/// dunlin_debug::flame_graph(&profile, "spinning", &mut svg)?;
/// assert!(svg.starts_with(b"<?xml"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the profile is empty, or writing fails.
pub fn flame_graph(profile: &Profile, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let lines: Vec<String> = profile
        .stacks()
        .map(|stack| {
            let names: Vec<_> = stack.frames().iter().map(name).collect();
            format!("{} {}", names.join(";"), stack.weight())
        })
        .collect();
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "units of fuel".to_owned();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out)
}

/// A name, without what separates names in the folded format.
fn name(frame: &ProfileFrame<'_>) -> String {
    frame::name(frame).chars().map(|c| if c == ';' || c.is_control() { '?' } else { c }).collect()
}
