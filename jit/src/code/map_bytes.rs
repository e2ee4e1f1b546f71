//! The map of machine code as bytes, for precompiled files.

use super::handlers::Handler;
use super::map::{CodeMap, CodeMapBuilder};
use super::map_error::MapError;
use super::offset_map::{take, unzigzag};

impl CodeMap {
    /// The map as bytes, for [`CodeMap::from_bytes`].
    #[cfg(any(test, feature = "compiler"))]
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, MapError> {
        use super::offset_map::{put, zigzag};

        let mut out = Vec::new();
        put(&mut out, self.functions.len() as u32)?;
        let (mut at, mut index) = (0, 0);
        for function in &self.functions {
            put(&mut out, function.start - at)?;
            put(&mut out, function.end - function.start)?;
            put(&mut out, zigzag(index, function.index))?;
            (at, index) = (function.end, function.index);
        }
        for places in [&self.traps, &self.sites] {
            put(&mut out, places.len)?;
            let (mut at, mut value) = (0, 0);
            for (offset, next) in places.iter() {
                put(&mut out, offset - at)?;
                put(&mut out, zigzag(value, next))?;
                (at, value) = (offset, next);
            }
        }
        put(&mut out, self.inlined.len() as u32)?;
        for place in &self.inlined {
            for number in [place.index, place.offset, place.at] {
                put(&mut out, number)?;
            }
        }
        put(&mut out, self.handlers.len() as u32)?;
        let mut at = 0;
        for handler in &self.handlers {
            for number in [handler.at - at, handler.catches, handler.landing, handler.frame] {
                put(&mut out, number)?;
            }
            at = handler.at;
        }
        Ok(out)
    }

    /// The peak heap size of [`CodeMap::from_bytes`] for `len` bytes.
    pub(crate) fn bytes_to_read(len: usize) -> u64 {
        // Functions, inlined places and handlers take four times their bytes. Traps and sites take a fifth more than theirs, and
        // their counts alone may reserve that much for both. The longest list is copied once more when it is boxed.
        8 * len as u64 + 128
    }

    /// Reads what [`CodeMap::to_bytes`] wrote. Any input gives a well-formed map or an error.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Result<Self, MapError> {
        let bytes = &mut bytes;
        let take = |bytes: &mut &[u8]| take(bytes).ok_or(MapError::Malformed);
        let ahead = |from: u32, by: u32| from.checked_add(by).ok_or(MapError::Malformed);
        let mut builder = CodeMapBuilder::default();
        let (mut at, mut index) = (0, 0);
        let count = take(bytes)?;
        // A count reserves no more than the remaining bytes can encode.
        let most = |count: u32, bytes: &[u8]| (count as usize).min(bytes.len() / 3);
        builder.functions.try_reserve_exact(most(count, bytes)).map_err(|_| MapError::NoMemory)?;
        for _ in 0..count {
            let start = ahead(at, take(bytes)?)?;
            at = ahead(start, take(bytes)?)?;
            index = unzigzag(index, take(bytes)?);
            builder.function(start, at, index)?;
        }
        let (mut at, mut code) = (0, 0);
        let count = take(bytes)?;
        builder.traps.reserve_for(count, bytes)?;
        for _ in 0..count {
            at = ahead(at, take(bytes)?)?;
            code = unzigzag(code, take(bytes)?);
            builder.trap(at, u8::try_from(code).map_err(|_| MapError::Malformed)?)?;
        }
        let (mut at, mut position) = (0, 0);
        let count = take(bytes)?;
        builder.sites.reserve_for(count, bytes)?;
        for _ in 0..count {
            at = ahead(at, take(bytes)?)?;
            position = unzigzag(position, take(bytes)?);
            builder.site(at, position)?;
        }
        let count = take(bytes)?;
        builder.inlined.try_reserve_exact(most(count, bytes)).map_err(|_| MapError::NoMemory)?;
        for _ in 0..count {
            builder.inlined(take(bytes)?, take(bytes)?, take(bytes)?)?;
        }
        let mut at = 0;
        let count = take(bytes)?;
        let most = (count as usize).min(bytes.len() / 4);
        builder.handlers.try_reserve_exact(most).map_err(|_| MapError::NoMemory)?;
        for _ in 0..count {
            at = ahead(at, take(bytes)?)?;
            let (catches, landing, frame) = (take(bytes)?, take(bytes)?, take(bytes)?);
            builder.handler(Handler { at, catches, landing, frame })?;
        }
        if bytes.is_empty() { Ok(builder.build()) } else { Err(MapError::Malformed) }
    }
}
