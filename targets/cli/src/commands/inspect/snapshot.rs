//! What a snapshot needs, and where it stands.

use crate::failure::{Failure, io_reason};
use crate::modules::snapshot_file;
use crate::output::json::{Json, object};
use crate::output::{count, shown};
use dunlin::{Budget, Snapshot, SnapshotSummary};
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;

/// What every snapshot begins with.
const MAGIC: &[u8] = b"\0dunsnap";

/// The most memory that is used for it.
const MEMORY: u64 = 64 << 20;

/// What is shown of it; `None` if the file is no snapshot.
pub(super) fn view(path: &OsStr, name: &str, json: bool) -> Result<Option<String>, Failure> {
    let budget = Budget::new(MEMORY);
    let opened = || snapshot_file::open(File::open(path)?, &budget);
    let begins = |file: Box<dyn Read>| {
        let mut head = Vec::new();
        file.take(MAGIC.len() as u64).read_to_end(&mut head).is_ok_and(|_| head == MAGIC)
    };
    if !std::fs::metadata(path).is_ok_and(|there| there.is_file()) || !opened().is_ok_and(begins) {
        return Ok(None);
    }
    let file = opened().map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
    let looked = Snapshot::open(&budget, file).and_then(|snapshot| {
        let modules: Vec<_> = snapshot.modules().map(|digest| hex(&digest)).collect();
        Ok((modules, snapshot.look(&budget)?))
    });
    let (modules, summary) = looked.map_err(|error| {
        let kind = error.kind();
        Failure::of(kind, error.context(name))
    })?;
    Ok(Some(if json { as_json(name, &modules, &summary) } else { as_text(name, &modules, &summary) }))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn as_text(name: &str, modules: &[String], summary: &SnapshotSummary) -> String {
    let mut text = format!("{name}: a snapshot\n\nIt needs the modules with these SHA-256 digests:\n");
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{line}");
    };
    modules.iter().for_each(|digest| line(format_args!("  {digest}")));
    if !summary.needs.is_empty() {
        line(format_args!("\nIt needs of the host:"));
        for (module, name) in &summary.needs {
            line(format_args!("  {}.{}", shown(module), shown(name)));
        }
    }
    if let Some(fuel) = summary.fuel {
        line(format_args!("\nIt has {} of fuel left.", count(fuel, "unit")));
    }
    if let Some(stopped) = &summary.stopped {
        line(format_args!("\nIts call stopped: {}. It stands", shown(stopped)));
        for frame in &summary.frames {
            let (func, offset) = (frame.func_index, frame.offset);
            line(format_args!(
                "  in function {func} of instance {}, at byte {offset} of its body",
                frame.instance
            ));
        }
    }
    text
}

fn as_json(name: &str, modules: &[String], summary: &SnapshotSummary) -> String {
    let needs = summary
        .needs
        .iter()
        .map(|(module, name)| object([("module", module.as_str().into()), ("name", name.as_str().into())]));
    let frames = summary.frames.iter().map(|frame| {
        object([
            ("instance", frame.instance.into()),
            ("function", frame.func_index.into()),
            ("offset", frame.offset.into()),
        ])
    });
    let json = object([
        ("snapshot", name.into()),
        ("modules", modules.iter().map(String::as_str).collect::<Json>()),
        ("needs", needs.collect::<Json>()),
        ("fuel", summary.fuel.into()),
        ("stopped", summary.stopped.as_deref().into()),
        ("frames", frames.collect::<Json>()),
    ]);
    format!("{json}\n")
}
