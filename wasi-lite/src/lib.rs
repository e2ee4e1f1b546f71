//! wasi-lite
