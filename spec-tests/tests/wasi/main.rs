//! WASI: the example programs, the runner for suites in the official layout, and tests that call every function as a
//! guest does.

mod programs;
mod proxy;
mod random;
mod tree;
mod wasi_attack;
mod wasi_descriptors;
mod wasi_hostile;
mod wasi_readdir;
mod wasi_testsuite;
