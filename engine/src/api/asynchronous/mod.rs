//! Asynchronous calls and host functions. An asynchronous call is a resumable one that a future goes on with: it needs no
//! native stack of its own, and while it is suspended it is only its frames.

mod call;
mod func;
mod instantiate;
