//! Suborbital's Atmo and Reactr: runnables, which make a result of an input, and applications of them.
//!
//! A [`Runnable`] is a module with its [`Capabilities`]; each call has an instance of its own. An [`App`] is a [`Bundle`] of
//! runnables with a Directive, which says what is called for which requests, and how often else; it answers those of a
//! [server](crate::server).
//!
//! ```
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::atmo::{Capabilities, Request, Runnable, Task};
//! use std::sync::Arc;
//!
//! // Its result is its input.
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (import "env" "return_result" (func $result (param i32 i32 i32)))
//!     (memory (export "memory") 1)
//!     (func (export "allocate") (param i32) (result i32) (i32.const 1024))
//!     (func (export "deallocate") (param i32 i32))
//!     (func (export "run_e") (param $at i32) (param $len i32) (param $ident i32)
//!         (call $result (local.get $at) (local.get $len) (local.get $ident))))"#)?;
//! let echo = Runnable::new(&module, "echo", &Arc::new(Capabilities::default()))?;
//! let response = echo.call(Request::of_body("hello"), &Task::new(engine.budget())).unwrap();
//! assert_eq!(&response.output[..], b"hello");
//! # Ok::<(), dunlin::Error>(())
//! ```

mod app;
mod bundle;
mod cache;
mod calls;
mod capabilities;
mod crew;
mod database;
mod directive;
mod error;
mod fields;
mod names;
mod plan;
mod problems;
mod request;
mod route;
mod runnable;
mod schedules;
mod sequence;
mod settings;
#[cfg(feature = "sqlite")]
mod sqlite;
mod state;
mod steps;
mod task;

pub use app::{App, AppOptions};
pub use bundle::{Bundle, BundleError};
pub use cache::Cache;
pub use calls::answers;
pub use capabilities::{Capabilities, Files};
pub use database::{Database, Query, QueryCall, QueryKind};
pub use error::{Returned, RunError};
pub use request::{Request, Response};
pub use runnable::Runnable;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use task::Task;
