//! waPC: guests that are called with an operation's name and bytes, answer with bytes, and call their host in the same
//! way.
//!
//! A [`Guest`] is a module with a [`Host`], which answers its calls; an [`Instance`] of it takes any number of calls, one
//! after the other. What the bytes mean is up to guest and host; by convention they are MessagePack.
//!
//! ```
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::wapc::{Guest, Host, HostCall, Task};
//! use std::sync::Arc;
//!
//! #[derive(Debug)]
//! struct Shouting;
//!
//! impl Host for Shouting {
//!     fn call(&self, call: HostCall<'_>, _: &mut Task) -> Result<Vec<u8>, String> {
//!         match call.operation {
//!             "shout" => Ok(call.payload.to_ascii_uppercase()),
//!             other => Err(format!("nobody does {other}")),
//!         }
//!     }
//! }
//!
//! // It has its host shout whatever it is sent.
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (import "wapc" "__guest_request" (func $request (param i32 i32)))
//!     (import "wapc" "__guest_response" (func $response (param i32 i32)))
//!     (import "wapc" "__host_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
//!     (import "wapc" "__host_response_len" (func $len (result i32)))
//!     (import "wapc" "__host_response" (func $fetch (param i32)))
//!     (memory (export "memory") 1)
//!     (data (i32.const 0) "shout")
//!     (func (export "__guest_call") (param i32 i32) (result i32)
//!         (call $request (i32.const 512) (i32.const 1024))
//!         (drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
//!             (i32.const 0) (i32.const 5) (i32.const 1024) (local.get 1)))
//!         (call $fetch (i32.const 2048))
//!         (call $response (i32.const 2048) (call $len))
//!         (i32.const 1)))"#)?;
//! let guest = Guest::new(&module, Arc::new(Shouting))?;
//! let mut instance = guest.instantiate(&mut Task::default(), engine.budget())?;
//! assert_eq!(instance.call("greet", b"hello", &mut Task::default()).unwrap(), b"HELLO");
//! # Ok::<(), dunlin::Error>(())
//! ```

mod calls;
mod error;
mod guest;
mod host;
mod state;

pub use calls::answers;
pub use error::CallError;
pub use guest::{Guest, Instance};
pub use host::{Host, HostCall, Task};
