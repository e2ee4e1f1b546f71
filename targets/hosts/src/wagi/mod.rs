//! WAGI: WASI commands that answer HTTP requests as CGI programs do.
//!
//! A request's headers are in the command's environment, its body is the standard input. The command prints headers, an
//! empty line, and the body of the answer; what it writes to standard error goes to the log. Each request has an
//! instance of its own.
//!
//! A [`Program`] is a module with what it is granted, a [`Site`] has programs at routes and is the
//! [handler](crate::server::Handler) of a server. [`Modules`] is the file that says which: `modules.toml`. A [`Drain`] is where
//! requests go that are in flight when the server ends; [`TakenUp`] has them go on in the next one.

mod drain;
mod environment;
mod input;
mod modules;
mod output;
mod program;
mod route;
mod site;
mod taken;

pub use drain::Drain;
pub use modules::{ModuleEntry, Modules};
pub use program::{Program, ProgramOptions, Volume};
pub use route::Route;
pub use site::Site;
pub use taken::TakenUp;
