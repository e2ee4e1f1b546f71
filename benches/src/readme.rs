//! Tables in a README, between two lines that mark where they belong.

use std::fs;
use std::path::Path;

/// Writes `text` between the two lines `mark` of a file. The mark ends with a new line.
pub(crate) fn replace(path: &Path, mark: &str, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let old = fs::read_to_string(path).map_err(failed)?;
    let [before, _, after] = old.split(mark).collect::<Vec<_>>()[..] else {
        return Err(format!("{} must have two lines with {}", path.display(), mark.trim()));
    };
    fs::write(path, format!("{before}{mark}{text}{mark}{after}")).map_err(failed)
}
