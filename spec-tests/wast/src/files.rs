//! Scripts in files and folders.

use crate::report::{Failure, Kind, Report};
use crate::run_script;
use dunlin::Config;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The scripts that a path stands for: the file itself, or all `.wast` files in a folder and the folders within, by
/// name.
///
/// # Errors
///
/// If the path can't be read, or there is no script in the folder.
pub fn find(path: impl AsRef<Path>) -> io::Result<Vec<PathBuf>> {
    let path = path.as_ref();
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut scripts = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // Links to folders aren't followed: they may lead in circles.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "wast") {
                scripts.push(entry.path());
            }
        }
    }
    scripts.sort();
    match scripts.is_empty() {
        false => Ok(scripts),
        true => Err(io::Error::new(io::ErrorKind::NotFound, "no .wast file in this folder")),
    }
}

/// Runs the script in a file: see [`run_script`]. That the file can't be read is a failure of the script.
pub fn run_file(path: impl AsRef<Path>, config: &Config) -> Report {
    let name = path.as_ref().display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => run_script(&name, &text, config),
        Err(error) => {
            let mut report = Report::default();
            report.counts.of(Kind::Script).total += 1;
            report.fail(Failure {
                script: name,
                line: 1,
                column: 1,
                kind: Kind::Script,
                expected: "a script".into(),
                got: error.to_string(),
                refused: false,
            });
            report
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_the_scripts_in_it_and_below() {
        let folder = std::env::temp_dir().join(format!("dunlin-find-{}", std::process::id()));
        fs::create_dir_all(folder.join("b/c")).unwrap();
        assert_eq!(find(&folder).unwrap_err().kind(), io::ErrorKind::NotFound);
        for name in ["z.wast", "a.wast", "b/c/x.wast", "b/note.txt"] {
            fs::write(folder.join(name), "(module").unwrap();
        }
        let found = find(&folder).unwrap();
        let report = run_file(&found[0], &Config::new());
        let alone = find(folder.join("b/note.txt")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, ["a.wast", "b/c/x.wast", "z.wast"].map(|name| folder.join(name)));
        assert_eq!(alone, [folder.join("b/note.txt")]);
        assert_eq!(report.failures[0].kind, Kind::Script);
        assert!(find(&folder).is_err());
        assert_eq!(run_file(&found[0], &Config::new()).counts.get(Kind::Script).failed, 1);
    }
}
