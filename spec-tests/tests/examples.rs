//! The crates' examples: each is short, and one of the programs that the crate's tests run.

use std::fs;
use std::path::Path;

#[test]
fn examples_are_short_and_are_run() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut count = 0;
    for package in ["engine", "jit", "wasi-lite"] {
        let package = workspace.join(package);
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        for entry in fs::read_dir(package.join("examples")).unwrap() {
            let path = entry.unwrap().path();
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines < 60, "{} has {lines} lines", path.display());
            let name = path.file_stem().unwrap().to_str().unwrap();
            let listed = format!("[[example]]\nname = \"{name}\"\ntest = true\nharness = false\n");
            assert!(
                manifest.contains(&listed),
                "{} isn't run: its Cargo.toml lacks\n{listed}",
                path.display()
            );
            count += 1;
        }
    }
    assert!(count >= 11, "only {count} were found");
}
