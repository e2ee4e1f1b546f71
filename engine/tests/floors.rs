//! The folders of `src` are floors: code imports from its own floor and from those below, never from above.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// From the lowest. `lib.rs` names what is public, and is above all.
const FLOORS: [&str; 9] =
    ["words", "memory", "value", "module", "stream", "ops", "translate", "runtime", "api"];

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == name)
}

/// The code of a file: without comments, and without its tests, which may use everything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Every name that follows `prefix`, also of a list in braces.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap(),
            None => &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())],
        };
        names.extend(list.split(',').map(|name| name.trim().split([':', ' ']).next().unwrap()));
    }
    names
}

#[test]
fn nothing_is_imported_from_above() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // What `lib.rs` names belongs to the floor that it comes from.
    let lib = code(&src.join("lib.rs"));
    let mut public = HashMap::new();
    for line in lib.split("pub use ").skip(1) {
        let path = line.split(';').next().unwrap();
        let from = floor(path.split("::").next().unwrap()).expect("it comes from a floor");
        let names = path.rsplit("::").next().unwrap().trim_matches(['{', '}', '\n', ' ']);
        public.extend(names.split(',').map(|name| (name.trim(), from)));
    }
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut wrong, mut imports) = (Vec::new(), 0);
    for path in files {
        let name = path.strip_prefix(&src).unwrap();
        let first = name.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if first == "lib" {
            continue;
        }
        let here = floor(first).unwrap_or_else(|| panic!("{} is on no floor", name.display()));
        for import in names_after(&code(&path), "crate::") {
            let from = floor(import).or_else(|| public.get(import).copied());
            let from = from.unwrap_or_else(|| panic!("{}: where is crate::{import}?", name.display()));
            imports += 1;
            if from > here {
                wrong.push(format!("{} imports crate::{import}, of {}", name.display(), FLOORS[from]));
            }
        }
    }
    assert!(imports > 400, "only {imports} imports were found");
    assert!(wrong.is_empty(), "imports from above:\n{}", wrong.join("\n"));
}
