//! The embedding API where guest code is executed, by both ways of dispatch.
#![allow(clippy::duplicate_mod, reason = "the same cases, once for each way")]

use dunlin::{Config, Dispatch};

fn config(way: &str) -> Config {
    let mut config = Config::new();
    if way == "by_loop" {
        config.dispatch(Dispatch::Loop);
    }
    config
}

/// By the way that an engine chooses by itself.
#[path = "api/cases.rs"]
mod chosen;

#[path = "api/cases.rs"]
mod by_loop;
