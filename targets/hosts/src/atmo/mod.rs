//! Suborbital's Atmo and Reactr: runnables.

mod cache;
mod calls;
mod capabilities;
mod database;
mod error;
mod fields;
mod request;
mod runnable;
mod state;
mod task;

pub use cache::Cache;
pub use calls::answers;
pub use capabilities::{Capabilities, Files};
pub use database::{Database, Query, QueryKind};
pub use error::{Returned, RunError};
pub use request::{Request, Response};
pub use runnable::Runnable;
pub use task::Task;
