//! Modules with machine code that was made ahead of time.
//!
//! A precompiled file is a module and, behind it, machine code for it. The module is loaded and validated like any
//! other. Its code replaces the interpreter only if it was made by this very version of the engine, for this kind of
//! processor, and with the settings that the engine has; and if nothing of the file is damaged. If anything doesn't
//! fit, the module runs as if there were no code.
//!
//! **Whoever runs the code of such a file trusts its maker**: it is machine code, and nothing confines it. Checksums guard against
//! accidents only, since anybody can make them.
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
//! | | pieces, each with its kind, its index, where it begins, and for functions what the interpreter must know of their frames |
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

/// What a precompiled file begins with. No module does, in either format.
pub const MAGIC: [u8; 8] = *b"\0dunlin\x01";

/// What stands before the module.
const HEAD: usize = 32;

/// The version of what stands behind the module. It changes with anything that code relies on and
/// [`settings::interface`] doesn't see.
const FORMAT: u32 = 1;

/// A checksum of bytes as they come.
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
