//! Runs spec scripts, the `.wast` files of WebAssembly's official test suite, on Dunlin.
//!
//! [`run_script`] executes the directives of one script in order and gives a [`Report`]: how many there were of each
//! [`Kind`], and every one that failed. A directive that Dunlin can't execute is counted as refused, and isn't passed: none is
//! skipped. [`find`] and [`run_file`] are for scripts in files. The official suites and their exact counts are in the
//! workspace's `spec-tests`.
//!
//! ```
//! use dunlin::Config;
//! use dunlin_wast::{Kind, run_script};
//!
//! let text = r#"
//!     (module (func (export "f") (param f32) (result f32) (local.get 0)))
//!     (assert_invalid (module (func (result i32))) "type mismatch")
//! "#;
//! let report = run_script("example.wast", text, &Config::new());
//! assert!(report.passed(), "{report}");
//! assert_eq!(report.counts.get(Kind::Module).total, 1);
//! assert_eq!(report.counts.assertions().total, 1);
//! ```
//!
//! If the configuration has fuel counted, there is as much as there can be.
//!
//! # What an assertion checks
//!
//! - `assert_return`: each result's type and bits; `nan:canonical` and `nan:arithmetic` as the specification defines
//!   them, in vectors lane by lane; references by their kind, and those of the host by their number.
//! - `assert_trap`, `assert_exhaustion`: that the guest trapped (no other error will do), and that the trap's text
//!   begins with the expected one. Some scripts name an element's index after it, as in "uninitialized element 2";
//!   Dunlin's traps don't, so a number that follows the trap's whole text is not compared. Nor do they say
//!   what a null reference would have referred to, as in "null function reference".
//! - `assert_invalid`, `assert_malformed`: that Dunlin's loader rejects the module. A module in quoted text may be
//!   rejected by the text parser instead, if the assertion is that it is malformed. The wording is the validator's
//!   own, so a difference isn't a failure, but [`Report::reworded`] counts it.
//! - `assert_unlinkable`: that the module is valid, that linking fails, and that the message has the expected text.
#![forbid(unsafe_code)]

mod encode;
mod files;
#[cfg(feature = "snapshot")]
mod moving;
mod report;
mod runner;
mod spectest;
mod values;

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub use encode::{Binary, binaries};
pub use files::{find, run_file};
#[cfg(feature = "snapshot")]
pub use moving::Moves;
pub use report::{Counts, Failure, Kind, Report, Tally};
pub use runner::run_script;
#[cfg(feature = "snapshot")]
pub use runner::run_script_moving;
