//! Draining: requests whose server ends go on in the next one.
//!
//! `folder` and `writing` are files, `kept` is what lies in one beside an instance, `keeper` stops programs and keeps their
//! requests, `fetch` is what clients see. What takes requests up again is [`TakenUp`](super::TakenUp).

mod fetch;
mod folder;
mod id;
mod keeper;
mod kept;
mod writing;

pub(super) use fetch::tell_kept;
pub(super) use folder::Stage;
pub(super) use id::Id;
pub use keeper::Drain;
pub(super) use kept::Kept;
pub(super) use writing::Printing;
