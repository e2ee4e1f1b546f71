//! A checkout of the official repository, `WebAssembly/testsuite`, if `SPEC_TESTSUITE` says where one is. The numbers are those of
//! its state of 2026-06-17.

use crate::unfold::unfold;
use dunlin::Config;
use dunlin_wast::{Report, run_script};
use std::collections::BTreeMap;
use std::path::Path;

/// The scripts of a folder, those of folders within left out.
struct Folder {
    path: &'static str,
    /// Switches on what the folder is about, and off what came after its scripts.
    features: fn(&mut Config),
    scripts: u64,
    assertions: u64,
    /// The scripts with assertions that need what Dunlin doesn't have, and how many there are.
    refused: &'static [(&'static str, u64)],
    /// The scripts with assertions that don't hold, and how many there are.
    failed: &'static [(&'static str, u64)],
}

const FOLDERS: [Folder; 7] = [
    Folder {
        path: ".",
        features: |_| {},
        scripts: 257,
        assertions: 62_498,
        // Garbage collection: structs, arrays and `i31`, casts of references, and the types that these need.
        refused: &[
            ("array.wast", 41),
            ("array_copy.wast", 30),
            ("array_fill.wast", 26),
            ("array_init_data.wast", 42),
            ("array_init_elem.wast", 30),
            ("array_new_data.wast", 23),
            ("array_new_elem.wast", 19),
            ("br_on_cast.wast", 25),
            ("br_on_cast_fail.wast", 25),
            ("extern.wast", 16),
            ("i31.wast", 57),
            ("ref_cast.wast", 40),
            ("ref_eq.wast", 81),
            ("ref_null.wast", 32),
            ("ref_test.wast", 68),
            ("struct.wast", 19),
            ("table_init.wast", 1),
            ("table_init64.wast", 1),
            ("type-rec.wast", 5),
            ("type-subtyping.wast", 21),
        ],
        failed: &[],
    },
    // `wast` reads these only when they are unfolded.
    Folder { path: "legacy", features: |_| {}, scripts: 4, assertions: 89, refused: &[], failed: &[] },
    Folder {
        path: "custom",
        features: |_| {},
        scripts: 3,
        assertions: 20,
        refused: &[],
        // A hint at a place where there is no branch: such hints are ignored.
        failed: &[("branch_hint.wast", 1)],
    },
    Folder {
        path: "proposals/threads",
        // It was written before there were several tables or memories.
        features: |config| {
            config.wasm_reference_types(false).wasm_multi_memory(false);
        },
        scripts: 4,
        assertions: 444,
        refused: &[],
        failed: &[],
    },
    Folder {
        path: "proposals/wide-arithmetic",
        features: |config| {
            config.wasm_wide_arithmetic(true);
        },
        scripts: 1,
        assertions: 107,
        refused: &[],
        failed: &[],
    },
    Folder {
        path: "proposals/custom-page-sizes",
        features: |config| {
            config.wasm_custom_page_sizes(true);
        },
        scripts: 5,
        assertions: 164,
        refused: &[],
        failed: &[],
    },
    // Garbage collection, and the proposal itself.
    Folder {
        path: "proposals/custom-descriptors",
        features: |_| {},
        scripts: 14,
        assertions: 772,
        refused: &[
            ("br_on_cast.wast", 25),
            ("br_on_cast_desc_eq.wast", 94),
            ("br_on_cast_desc_eq_fail.wast", 94),
            ("br_on_cast_fail.wast", 25),
            ("exact-casts.wast", 108),
            ("exact-func-import.wast", 13),
            ("ref_cast_desc_eq.wast", 90),
            ("ref_get_desc.wast", 19),
            ("struct_new_desc.wast", 20),
        ],
        failed: &[],
    },
];

#[test]
fn the_checkout_runs() {
    let Some(checkout) = std::env::var_os("SPEC_TESTSUITE") else { return };
    let mut wrong = Vec::new();
    let (mut all, mut passed) = (0, 0);
    for folder in &FOLDERS {
        let reports = run(Path::new(&checkout), folder);
        let total = reports.values().fold(Report::default(), |mut total, report| {
            total.merge(report.clone());
            total
        });
        let assertions = total.counts.assertions();
        println!("{}: {assertions:?} in {} scripts", folder.path, reports.len());
        (all, passed) = (all + assertions.total, passed + assertions.passed());
        if (reports.len() as u64, assertions.total) != (folder.scripts, folder.assertions) {
            wrong.push(format!("{}: {assertions:?} in {} scripts", folder.path, reports.len()));
        }
        // Directives other than assertions may be refused with these, but none fails.
        let by_script = |count: fn(&Report) -> u64| {
            let counts = reports.iter().map(|(name, report)| (&**name, count(report)));
            counts.filter(|(_, count)| *count > 0).collect::<Vec<_>>()
        };
        let refused = by_script(|report| report.counts.assertions().refused);
        let failed =
            by_script(|report| report.failures.iter().filter(|failure| !failure.refused).count() as u64);
        if refused != folder.refused || failed != folder.failed {
            wrong.push(format!("{}: refused {refused:?}, failed {failed:?}", folder.path));
            let failures = total.failures.iter().filter(|failure| !failure.refused);
            wrong.extend(failures.take(10).map(|failure| failure.to_string()));
        }
    }
    println!("{passed} of {all} assertions passed");
    assert!(wrong.is_empty(), "not as on 2026-06-17:\n{}", wrong.join("\n"));
}

/// Runs the scripts of a folder.
fn run(checkout: &Path, folder: &Folder) -> BTreeMap<String, Report> {
    let mut config = Config::new();
    config.shared_memory(true).check_translation(true);
    (folder.features)(&mut config);
    let mut reports = BTreeMap::new();
    for entry in std::fs::read_dir(checkout.join(folder.path)).expect("it is a checkout") {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".wast") {
            continue;
        }
        let mut text = std::fs::read_to_string(&path).unwrap();
        if folder.path == "legacy" {
            text = unfold(&text);
        }
        reports.insert(name.clone(), run_script(&name, &text, &config));
    }
    reports
}
