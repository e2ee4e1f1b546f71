//! Dunlin's benchmarks: the workloads, and what a comparison with other engines is made of.

pub mod usage;
pub mod workloads;
