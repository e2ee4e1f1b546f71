//! Runs the engine's API tests with compiled code.
#![cfg(feature = "compiler")]
#![allow(clippy::duplicate_mod, reason = "the same cases, once for each way")]

use dunlin::Config;
use dunlin_jit::{Jit, MemoryGuard, Mode};

fn config(way: &str) -> Config {
    let mut options = Jit::options();
    match way {
        "first_call" => options.mode(Mode::Sync).threshold(0),
        "checked" => options.mode(Mode::Sync).threshold(0).memory_guard(MemoryGuard::Off),
        "eager" => options.mode(Mode::Eager),
        "mixed" => options.mode(Mode::Sync).threshold(1).sample_every(7),
        "background" => options.threshold(1).sample_every(7),
        other => unreachable!("{other} is none of the modules below"),
    };
    let mut config = Config::new();
    config.tier(Jit::new(&options).unwrap());
    config
}

#[path = "api/cases.rs"]
mod first_call;

#[path = "api/cases.rs"]
mod checked;

#[path = "api/cases.rs"]
mod eager;

#[path = "api/cases.rs"]
mod mixed;

#[path = "api/cases.rs"]
mod background;
