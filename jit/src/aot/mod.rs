//! Precompiled files: modules with machine code that was compiled ahead of time.
//!
//! A precompiled file is a module followed by machine code for it. The module is loaded and validated like any other.
//! Its code replaces the interpreter only if it was compiled by this very version of the engine, for this kind of
//! processor, and with the engine's settings; and if the file is intact. If anything doesn't match, the module runs as
//! if there were no code.
//!
//! **Running the code of such a file means trusting its maker**: it is machine code, and nothing confines it. Checksums
//! only guard against accidents, since anybody can make them.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | 8 | the module's length, as all numbers with the lowest byte first |
//! | 16 | a checksum of the length and the module |
//! | | the module |
//! | 4 | the format's version |
//! | 16 | a checksum of the head, of the number before and of all that follows |
//! | | engine, architecture, processor features, settings |
//! | | pieces: kind, index, offset in the code, and for functions what the interpreter must know of their frames |
//! | | the map of the code |
//! | | the code |

mod attach;
mod bytes;
mod cpu;
mod format;
#[cfg(feature = "compiler")]
mod listing;
mod mismatch;
mod read;
mod settings;
#[cfg(all(test, feature = "cross"))]
mod tests;
#[cfg(feature = "compiler")]
mod write;

pub use format::MAGIC;
#[cfg(feature = "compiler")]
pub use listing::{MachineCode, machine_code};
pub use mismatch::Mismatch;
pub use read::{Opened, Precompiled, Reader, open};
pub use settings::{Settings, identity};
#[cfg(feature = "compiler")]
pub use write::{Compile, Compiled, CpuFeatures, Target, compile, compile_with_progress};
