//! What is kept on a guest's behalf, charged to its budget.

use dunlin::{Budget, Charge, Error, Kind};

/// Bytes with the charge for them.
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Held {
    #[cfg(any(feature = "atmo", feature = "wapc"))]
    pub(crate) fn new(budget: &Budget, bytes: Vec<u8>) -> Result<Self, Error> {
        let charge = budget.charge(Kind::Host, bytes.len() as u64)?;
        Ok(Self { bytes, _charge: charge })
    }

    /// A copy of the guest's bytes, charged before it is made.
    pub(crate) fn copy(budget: &Budget, bytes: &[u8]) -> Result<Self, Error> {
        let charge = budget.charge(Kind::Host, bytes.len() as u64)?;
        Ok(Self { bytes: bytes.to_vec(), _charge: charge })
    }
}
