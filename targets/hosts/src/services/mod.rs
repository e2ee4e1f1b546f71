//! What hosts do for guests, and for themselves: each a trait, with a default that stays in the process.

pub mod http;
