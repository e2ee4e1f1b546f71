//! Hash tables, by keys that the embedder can set.

use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU32, Ordering};
use siphasher::sip::SipHasher13;

pub(crate) type HashMap<K, V> = hashbrown::HashMap<K, V, Keys>;

static SEED: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

/// Sets what hash tables that are made from now on are keyed by. Without the feature `std`, nothing here is random by
/// itself: call this once, with random bits, before engines are made that modules of others are given to. Otherwise such
/// a module may be made so that loading it takes much longer than others of its size.
pub fn seed_hashes(seed: [u32; 4]) {
    for (word, new) in SEED.iter().zip(seed) {
        word.store(new, Ordering::Relaxed);
    }
}

/// The keys of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys(u64, u64);

impl Default for Keys {
    fn default() -> Self {
        let word = |at: usize| u64::from(SEED[at].load(Ordering::Relaxed));
        Self(word(0) | word(1) << 32, word(2) | word(3) << 32)
    }
}

impl BuildHasher for Keys {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}
