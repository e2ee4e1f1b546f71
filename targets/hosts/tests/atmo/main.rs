//! Atmo: runnables, applications, and what a host has to bear.

#[path = "../common/mod.rs"]
mod common;

mod apps;
mod bundles;
mod guests;
mod hostile;
mod limits;
mod public;
mod reactr;
