//! Files of text with what is expected to be made of it behind the text.

use std::fs;
use std::path::Path;

/// Compares what `make` makes of the text in each `.wat` file of a folder with what stands behind the line `mark`. With
/// `BLESS=1`, writes that instead.
pub(crate) fn check(folder: &Path, mark: &str, make: impl Fn(&str) -> String) {
    let (mut files, mut differ) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wat") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (wat, expected) = text.split_once(mark).unwrap_or((&text, ""));
        let made = make(wat);
        files += 1;
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, format!("{}\n\n{mark}{made}", wat.trim_end())).unwrap();
        } else if made != expected {
            differ.push(format!("{}: expected\n{expected}but translation makes\n{made}", path.display()));
        }
    }
    assert!(files > 10, "only {files} files were found");
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
