//! Profiles for the Firefox Profiler, <https://profiler.firefox.com>: its "processed profile format".
//!
//! Everything is a table whose columns are arrays: samples refer to stacks, which refer to the stack that called them and
//! to a frame, which refers to a function, which refers to a string.

use crate::frame;
use dunlin::Profile;
use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Write};

/// The version of the format, which newer profilers convert to theirs.
const VERSION: u32 = 55;

/// Writes a profile as the Firefox Profiler reads it: JSON. Names are demangled.
///
/// What the profiler calls samples are units of fuel. They weren't seen in this order: each stack is one sample, the
/// heaviest first.
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
/// let mut json = Vec::new();
/// dunlin_debug::firefox_profile(&profile, "spinning", &mut json)?;
/// assert!(String::from_utf8(json)?.contains(r#""func[0]""#));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If writing fails.
pub fn firefox_profile(profile: &Profile, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let tables = Tables::of(profile);
    let title = Text(title);
    // Its time is no time: what is measured is fuel.
    write!(
        out,
        r#"{{"meta":{{"categories":[{{"name":"WebAssembly","color":"blue","subcategories":["Other"]}}],"debug":false,"extensions":{{"baseURL":[],"id":[],"length":0,"name":[]}},"interval":1,"preprocessedProfileVersion":{VERSION},"processType":0,"product":{title},"sampleUnits":{{"eventDelay":"ms","threadCPUDelta":"µs","time":"ms"}},"startTime":0,"symbolicated":true,"pausedRanges":[],"version":24,"usesOnlyOneStackType":true,"sourceCodeIsNotOnSearchfox":true,"markerSchema":[]}},"libs":[],"pages":[],"profilerOverhead":[],"counters":[],"threads":[{{"name":{title},"isMainThread":true,"processName":{title},"processType":"default","pid":"0","tid":"0","registerTime":0,"unregisterTime":null,"processStartupTime":0,"processShutdownTime":null,"pausedRanges":[],"showMarkersInTimeline":false"#
    )?;
    tables.write(out)?;
    write!(out, "}}]}}")
}

#[derive(Default)]
struct Tables {
    names: Vec<String>,
    /// The caller's stack, and the function, by its name's index.
    stacks: Vec<(Option<u32>, u32)>,
    /// A stack, and its weight.
    samples: Vec<(u32, u64)>,
}

impl Tables {
    fn of(profile: &Profile) -> Self {
        let mut tables = Self::default();
        let (mut names, mut stacks) = (HashMap::new(), HashMap::new());
        for found in profile.stacks() {
            let mut stack = None;
            for frame in found.frames() {
                let name = frame::name(&frame);
                let known = names.get(&name).copied();
                let func = known.unwrap_or_else(|| {
                    let new = tables.names.len() as u32;
                    tables.names.push(name.clone());
                    names.insert(name, new);
                    new
                });
                stack = Some(*stacks.entry((stack, func)).or_insert_with(|| {
                    tables.stacks.push((stack, func));
                    tables.stacks.len() as u32 - 1
                }));
            }
            tables.samples.extend(stack.map(|stack| (stack, found.weight())));
        }
        tables
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { names, stacks, samples } = self;
        column(out, "stringArray", names.iter().map(|name| Text(name)))?;
        let count = names.len();
        let all = |value| std::iter::repeat_n(value, count);
        // There is a frame for each function, and a function for each name.
        write!(out, r#","frameTable":{{"length":{count}"#)?;
        column(out, "address", all("-1"))?;
        column(out, "func", 0..count)?;
        for name in ["inlineDepth", "category", "subcategory", "innerWindowID"] {
            column(out, name, all("0"))?;
        }
        for name in ["nativeSymbol", "line", "column"] {
            column(out, name, all("null"))?;
        }
        write!(out, r#"}},"funcTable":{{"length":{count}"#)?;
        column(out, "name", 0..count)?;
        column(out, "resource", all("-1"))?;
        for name in ["isJS", "relevantForJS"] {
            column(out, name, all("false"))?;
        }
        for name in ["fileName", "lineNumber", "columnNumber"] {
            column(out, name, all("null"))?;
        }
        write!(out, r#"}},"stackTable":{{"length":{}"#, stacks.len())?;
        column(
            out,
            "prefix",
            stacks.iter().map(|(caller, _)| caller.map_or("null".into(), |at| at.to_string())),
        )?;
        column(out, "frame", stacks.iter().map(|(_, func)| func))?;
        write!(out, r#"}},"samples":{{"length":{},"weightType":"samples""#, samples.len())?;
        column(out, "stack", samples.iter().map(|(stack, _)| stack))?;
        column(out, "weight", samples.iter().map(|(_, weight)| weight))?;
        column(out, "timeDeltas", samples.iter().map(|_| 1))?;
        column(out, "threadCPUDelta", samples.iter().map(|_| 0))?;
        write!(out, "}}")?;
        for (table, columns) in [
            ("markers", &["category", "data", "endTime", "name", "phase", "startTime"][..]),
            ("nativeSymbols", &["address", "functionSize", "libIndex", "name"]),
            ("resourceTable", &["lib", "name", "host", "type"]),
        ] {
            write!(out, r#","{table}":{{"length":0"#)?;
            columns.iter().try_for_each(|name| column(out, name, [""; 0].into_iter()))?;
            write!(out, "}}")?;
        }
        Ok(())
    }
}

/// Writes a column of a table that has begun.
fn column(out: &mut dyn Write, name: &str, values: impl Iterator<Item = impl Display>) -> io::Result<()> {
    write!(out, r#","{name}":["#)?;
    for (at, value) in values.enumerate() {
        write!(out, "{}{value}", if at == 0 { "" } else { "," })?;
    }
    write!(out, "]")
}

/// A string in JSON.
#[derive(Clone, Copy)]
struct Text<'t>(&'t str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
