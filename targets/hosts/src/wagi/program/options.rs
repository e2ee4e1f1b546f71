//! What a program is granted, and how it is called.

use std::path::PathBuf;
use std::time::Duration;

/// A folder that a program may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// Where it is.
    pub host: PathBuf,
    /// The program's name for it.
    pub guest: String,
    /// Whether it may only be read.
    pub read_only: bool,
}

/// What a program is granted, and how it is called.
#[derive(Clone, Default, Debug)]
pub struct ProgramOptions {
    /// The function to call: `_start` if it isn't given.
    pub entrypoint: Option<String>,
    /// Its arguments, with `${SCRIPT_NAME}` and `${ARGS}` for what a request brings; both, if it isn't given.
    pub argv: Option<String>,
    /// Variables of its environment. Those that describe the request come before them.
    pub environment: Vec<(String, String)>,
    /// Folders.
    pub volumes: Vec<Volume>,
    /// What each request may take of memory, fuel, time and size of body, where that isn't what the server says.
    pub memory: Option<u64>,
    /// See `memory`.
    pub fuel: Option<u64>,
    /// See `memory`.
    pub time: Option<Duration>,
    /// See `memory`.
    pub body: Option<u64>,
}
