//! What translation makes of small modules: `golden/*.wat` have the cells that are expected behind the text. A change
//! of the translator shows as a difference here. `BLESS=1` writes what there is now:
//!
//!     BLESS=1 cargo test -p dunlin --test golden
//!
//! A line of cells: its word, the op with the number of its form, the slot that is written (`->2`), slots that are read
//! (`r1`), numbers, the distance's target (`@14`), and extension words in hexadecimal.

#[path = "golden/files.rs"]
mod files;

use dunlin::{Config, Engine, Module};
use std::fmt::Write;
use std::path::Path;

/// The line above what is expected.
const MARK: &str = ";; cells\n";

fn cells(wat: &str) -> String {
    let mut config = Config::new();
    config.consume_fuel(wat.starts_with(";; with fuel\n"));
    config.canonical_nans(wat.starts_with(";; with canonical NaNs\n"));
    let module = Module::new(&Engine::new(&config).unwrap(), wat::parse_str(wat).unwrap()).unwrap();
    let mut made = String::new();
    for (index, text) in dunlin::testing::disassemble(&module).unwrap().iter().enumerate() {
        writeln!(made, ";; function {index}").unwrap();
        text.lines().for_each(|line| writeln!(made, ";; {line}").unwrap());
    }
    let [(most, all), _] = dunlin::testing::cells(&module).unwrap();
    writeln!(made, ";; estimated while loading: {most} bytes to translate one, {all} bytes of cells")
        .unwrap();
    made
}

#[test]
fn translation_makes_the_cells_that_are_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    files::check(&folder, MARK, cells);
}
