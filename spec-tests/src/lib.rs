//! Tests of the whole. They are in `tests`; the library has nothing but the README's example, compiled and run.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
