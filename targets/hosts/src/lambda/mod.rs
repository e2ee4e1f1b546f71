//! AWS Lambda: a WASI command as a function, by the API for custom runtimes.
//!
//! A [`Runtime`] asks the API for events and answers them; a [`Function`] is a module that is instantiated for each event.
//! The event is its standard input, and what it prints is the response; its standard error is the log.
//!
//! ```no_run
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::lambda::{Function, FunctionOptions, Runtime};
//!
//! let runtime = Runtime::of_environment()?;
//! let module = Module::from_file(&Engine::default(), "function.wasm")?;
//! let function = Function::new(&module, FunctionOptions::default())?;
//! let ended = runtime.serve(&function);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Of the environment, a function sees what names it and its event, and what the options add: not the credentials that
//! Lambda gives a runtime. [`Function`] lists the variables.

mod event;
mod failure;
mod function;
mod runtime;
mod stream;

pub use event::Event;
pub use failure::{Failure, LambdaError};
pub use function::{Function, FunctionOptions, Grant};
pub use runtime::Runtime;
