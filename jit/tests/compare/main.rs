//! Differential tests: the same programs are interpreted and compiled, and everything observable must be the same.
#![cfg(feature = "compiler")]

mod atomic_table;
mod atomics;
mod bounds_checks;
mod builtins;
mod calls;
mod configurations;
mod exceptions;
mod host_functions;
mod memory64;
mod osr;
mod references;
mod segments;
mod stacks;
mod tail_calls;
mod trap_offsets;
mod traps_and_fuel;

use dunlin::{Config, Engine};
use dunlin_jit::Jit;

/// Engines with every configuration of the tier, by name.
fn engines() -> impl Iterator<Item = (&'static str, Engine)> {
    configurations::configurations()
        .into_iter()
        .map(|(way, options)| (way, Engine::new(Config::new().tier(Jit::new(&options).unwrap())).unwrap()))
}

#[test]
fn segments_are_dropped() {
    engines().for_each(|(_, engine)| segments::segments_are_dropped(&engine));
}

#[test]
fn large_tables_are_copied() {
    let must = ["at the first call", "eagerly, with checks"];
    engines()
        .filter(|(way, _)| must.contains(way))
        .for_each(|(_, engine)| segments::large_tables_are_copied(&engine));
}
