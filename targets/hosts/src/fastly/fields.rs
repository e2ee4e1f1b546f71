//! The headers of a message.

use super::status::Status;
use crate::server::HeaderMap;
use dunlin::{Budget, Charge, Kind};
use hyper::header::{HeaderName, HeaderValue};

/// How many headers a message may have, and how long they may be together.
const MOST: usize = 1024;
const MOST_BYTES: usize = 128 << 10;

/// What a header takes besides its text.
const FIELD_BYTES: usize = 64;

/// Headers, charged to a budget.
#[derive(Debug)]
pub(super) struct Fields {
    map: HeaderMap,
    bytes: usize,
    charge: Charge,
}

fn name(text: &[u8]) -> Result<HeaderName, Status> {
    HeaderName::from_bytes(text).map_err(|_| Status::HttpInvalid)
}

fn size(name: &HeaderName, value: &HeaderValue) -> usize {
    name.as_str().len() + value.len() + FIELD_BYTES
}

impl Fields {
    /// None.
    pub(super) fn new(budget: &Budget) -> Result<Self, Status> {
        Ok(Self { map: HeaderMap::new(), bytes: 0, charge: budget.charge(Kind::Host, 0)? })
    }

    /// These.
    pub(super) fn with(budget: &Budget, map: HeaderMap) -> Result<Self, Status> {
        let bytes = map.iter().map(|(name, value)| size(name, value)).sum();
        Ok(Self { map, bytes, charge: budget.charge(Kind::Host, bytes as u64)? })
    }

    pub(super) fn into_map(self) -> HeaderMap {
        self.map
    }

    /// Adds one to those of its name.
    pub(super) fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), Status> {
        let (name, value) = (name(key)?, HeaderValue::from_bytes(value).map_err(|_| Status::HttpInvalid)?);
        let bytes = self.bytes + size(&name, &value);
        if self.map.len() == MOST || bytes - self.map.len() * FIELD_BYTES > MOST_BYTES {
            return Err(Status::LimitExceeded);
        }
        self.charge.grow((bytes as u64).saturating_sub(self.charge.bytes()))?;
        self.bytes = bytes;
        self.map.try_append(name, value).map(drop).map_err(|_| Status::LimitExceeded)
    }

    /// Makes these the values of a name.
    pub(super) fn set<'v>(
        &mut self,
        key: &[u8],
        values: impl IntoIterator<Item = &'v [u8]>,
    ) -> Result<(), Status> {
        self.remove(key)?;
        values.into_iter().try_for_each(|value| self.append(key, value))
    }

    /// Removes all of a name, and says whether there were any.
    pub(super) fn remove(&mut self, key: &[u8]) -> Result<bool, Status> {
        let name = name(key)?;
        let before = self.map.len();
        for value in self.map.get_all(&name) {
            self.bytes -= size(&name, value);
        }
        self.map.remove(&name);
        Ok(self.map.len() < before)
    }

    /// The first value of a name.
    pub(super) fn get(&self, key: &[u8]) -> Result<&[u8], Status> {
        self.map.get(name(key)?).map(HeaderValue::as_bytes).ok_or(Status::Inval)
    }

    /// All values of a name.
    pub(super) fn values<'s>(
        &'s self,
        key: &[u8],
    ) -> Result<impl Iterator<Item = &'s [u8]> + use<'s>, Status> {
        Ok(self.map.get_all(name(key)?).iter().map(HeaderValue::as_bytes))
    }

    /// The names, each once.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.map.keys().map(|name| name.as_str().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_bounded_and_charged() {
        let budget = Budget::new(1 << 20);
        let mut fields = Fields::new(&budget).unwrap();
        fields.append(b"X-One", b"1").unwrap();
        fields.append(b"x-one", b"2").unwrap();
        assert_eq!(fields.values(b"X-ONE").unwrap().collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!((fields.get(b"x-one"), fields.get(b"x-two")), (Ok(&b"1"[..]), Err(Status::Inval)));
        fields.set(b"x-one", [&b"3"[..]]).unwrap();
        assert_eq!((fields.remove(b"x-one"), fields.remove(b"x-one")), (Ok(true), Ok(false)));
        for (name, value) in [(&b"a b"[..], &b"1"[..]), (b"", b"1"), (b"a", b"1\r\nb: 2"), (b"a", b"\0")] {
            assert_eq!(fields.append(name, value), Err(Status::HttpInvalid));
        }
        // What is replaced again and again doesn't add up.
        for _ in 0..10_000 {
            fields.set(b"same", [&[b'x'; 100][..]]).unwrap();
        }
        let refused = (0..10_000).find(|_| fields.append(b"more", b"1").is_err());
        assert_eq!(refused, Some(MOST - 1));
        assert_eq!(fields.set(b"large", [&[b'x'; MOST_BYTES][..]]), Err(Status::LimitExceeded));
        drop(fields);
        assert_eq!(budget.used(), 0);
    }
}
