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

mod bytes;
mod cpu;
mod load;
mod read;
mod settings;
#[cfg(all(test, feature = "compiler"))]
mod tests;
#[cfg(feature = "compiler")]
mod write;

pub use load::Mismatch;
pub use read::{Opened, Precompiled, Reader, open};
pub use settings::{Settings, identity};
#[cfg(feature = "compiler")]
pub use write::{Compile, Compiled, CpuFeatures, Target, compile};

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// The magic number of precompiled files. No module begins with it, in either format.
pub const MAGIC: [u8; 8] = *b"\0dunlin\x01";

/// The length of the header in front of the module.
const HEAD: usize = 32;

/// The version of the part behind the module. It changes with anything that code relies on and [`settings::interface`]
/// doesn't cover.
const FORMAT: u32 = 1;

/// An incremental checksum.
#[derive(Clone)]
struct Checksum(SipHasher13);

impl Checksum {
    fn new() -> Self {
        Self(SipHasher13::new_with_keys(0x6475_6e6c_696e, 0x0061_6f74))
    }

    fn of(parts: &[&[u8]]) -> [u8; 16] {
        let mut sum = Self::new();
        parts.iter().for_each(|part| sum.add(part));
        sum.finish()
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> [u8; 16] {
        self.0.finish128().as_bytes()
    }
}
