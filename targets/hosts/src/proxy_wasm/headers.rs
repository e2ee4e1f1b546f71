//! Header maps, kept as they cross to a guest.

use super::status::Status;
use std::fmt;

/// The fields of a request, a response, or trailers: names in lower case, which may repeat, in order.
///
/// A request has `:method`, `:path`, `:authority` and `:scheme`, a response `:status`; such pseudo-headers come first.
///
/// ```
/// use dunlin_hosts::proxy_wasm::Headers;
/// let mut headers: Headers = [(":status", "200"), ("server", "a")].into_iter().collect();
/// headers.set("Server", "b");
/// assert_eq!(headers.get("server"), Some(&b"b"[..]));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The lengths of each name and value.
    sizes: Vec<(u32, u32)>,
    /// Each name and value, both with a NUL behind them.
    text: Vec<u8>,
}

/// The bytes of a count or a length where a guest reads it.
const WORD: usize = 4;

impl Headers {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// The fields in order, names with values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans().map(|(at, name, value)| {
            let value_at = at + name + 1;
            (&self.text[at..at + name], &self.text[value_at..value_at + value])
        })
    }

    /// The first value of that name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.iter().find(|field| field.0.eq_ignore_ascii_case(name.as_ref())).map(|field| field.1)
    }

    /// Adds a field behind the others; a pseudo-header behind the other pseudo-headers.
    pub fn append(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let pseudo = name.as_ref().starts_with(b":");
        let place = match pseudo {
            true => self.iter().take_while(|field| field.0.starts_with(b":")).count(),
            false => self.len(),
        };
        self.insert(place, name.as_ref(), value.as_ref());
    }

    /// Removes all fields of that name and adds one with this value behind the others; a pseudo-header keeps its place.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let name = name.as_ref();
        let place = self.iter().position(|field| field.0.eq_ignore_ascii_case(name));
        self.remove(name);
        match place.filter(|_| name.starts_with(b":")) {
            Some(place) => self.insert(place, name, value.as_ref()),
            None => self.append(name, value),
        }
    }

    /// Removes all fields of that name.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) {
        let named = |at: usize, len: usize| self.text[at..at + len].eq_ignore_ascii_case(name.as_ref());
        let spans = self.spans().enumerate();
        let found: Vec<_> = spans.filter(|(_, (at, name, _))| named(*at, *name)).collect();
        for (place, (at, name, value)) in found.into_iter().rev() {
            self.sizes.remove(place);
            self.text.drain(at..at + name + value + 2);
        }
    }

    /// The bytes of all names and values.
    pub fn text_len(&self) -> usize {
        self.text.len() - 2 * self.sizes.len()
    }

    /// Where each field begins in the text, and the lengths of its name and value.
    fn spans(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.sizes.iter().scan(0, |end, (name, value)| {
            let (at, name, value) = (*end, *name as usize, *value as usize);
            *end = at + name + value + 2;
            Some((at, name, value))
        })
    }

    /// # Panics
    /// If the name or the value is longer than 4 GiB.
    fn insert(&mut self, place: usize, name: &[u8], value: &[u8]) {
        let len = |text: &[u8]| u32::try_from(text.len()).expect("shorter than 4 GiB");
        let at = match place == self.len() {
            true => self.text.len(),
            false => self.spans().nth(place).map_or(self.text.len(), |(at, _, _)| at),
        };
        self.sizes.insert(place, (len(name), len(value)));
        let name = name.iter().map(u8::to_ascii_lowercase);
        let field = name.chain([0]).chain(value.iter().copied()).chain([0]);
        self.text.splice(at..at, field);
    }

    /// What it takes to keep them.
    pub(super) fn weight(&self) -> usize {
        self.wire_len()
    }

    /// The length of the map as a guest reads it.
    pub(super) fn wire_len(&self) -> usize {
        WORD + 2 * WORD * self.sizes.len() + self.text.len()
    }

    /// The map as a guest reads it: the number of fields, their lengths, their texts.
    pub(super) fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(self.wire_len());
        wire.extend((self.sizes.len() as u32).to_le_bytes());
        for (name, value) in &self.sizes {
            wire.extend(name.to_le_bytes());
            wire.extend(value.to_le_bytes());
        }
        wire.extend(&self.text);
        wire
    }

    /// The map that a guest wrote.
    ///
    /// # Errors
    /// If lengths don't fit the bytes, or a text isn't followed by a NUL: `InvalidMemoryAccess`. If a text has a byte that
    /// no field may have, or there is more of it than `limits` allow: `BadArgument`.
    pub(super) fn from_wire(wire: &[u8], limits: HeaderLimits) -> Result<Self, Status> {
        if matches!(wire, [] | [0]) {
            return Ok(Self::default());
        }
        let lies = Status::InvalidMemoryAccess;
        let (count, rest) = wire.split_first_chunk::<WORD>().ok_or(lies)?;
        let count = u32::from_le_bytes(*count) as usize;
        let lengths = count.checked_mul(2 * WORD).ok_or(lies)?;
        let (lengths, mut text) = rest.split_at_checked(lengths).ok_or(lies)?;
        if count > limits.count || text.len() > limits.bytes {
            return Err(Status::BadArgument);
        }
        let mut headers = Self { sizes: Vec::with_capacity(count), text: Vec::with_capacity(text.len()) };
        for lengths in lengths.chunks_exact(2 * WORD) {
            let (name, value) = lengths.split_at(WORD);
            let name = take_text(&mut text, name)?;
            let value = take_text(&mut text, value)?;
            check_field(name, value)?;
            // As `append` does: pseudo-headers first.
            headers.append(name, value);
        }
        if text.is_empty() { Ok(headers) } else { Err(lies) }
    }
}

/// Takes a text of this length and the NUL behind it.
fn take_text<'a>(from: &mut &'a [u8], len: &[u8]) -> Result<&'a [u8], Status> {
    let len = <[u8; WORD]>::try_from(len).map(u32::from_le_bytes).unwrap_or(u32::MAX) as usize;
    let lies = Status::InvalidMemoryAccess;
    let (text, rest) = from.split_at_checked(len).ok_or(lies)?;
    let (nul, rest) = rest.split_first().ok_or(lies)?;
    *from = rest;
    if *nul == 0 { Ok(text) } else { Err(lies) }
}

/// Refuses what would be more than a field where a proxy writes it.
pub(super) fn check_field(name: &[u8], value: &[u8]) -> Result<(), Status> {
    let breaks = |byte: &u8| matches!(byte, 0 | b'\r' | b'\n');
    let ends_name = |byte: &u8| breaks(byte) || matches!(byte, b' ' | b'\t');
    if name.is_empty() || name.iter().any(ends_name) || value.iter().any(breaks) {
        return Err(Status::BadArgument);
    }
    Ok(())
}

/// What a header map may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderLimits {
    pub(super) count: usize,
    /// Of names and values with their NULs.
    pub(super) bytes: usize,
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut headers = Self::new();
        headers.extend(fields);
        headers
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Extend<(N, V)> for Headers {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.append(name, value);
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| String::from_utf8_lossy(bytes);
        f.debug_list().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeaderLimits = HeaderLimits { count: 64, bytes: 1024 };

    fn sample() -> Headers {
        [(":path", "/"), ("A", "1"), ("b", ""), ("a", "2")].into_iter().collect()
    }

    fn listed(headers: &Headers) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        headers.iter().map(|(name, value)| format!("{}={} ", text(name), text(value))).collect()
    }

    #[test]
    fn fields_keep_their_order() {
        let mut headers = sample();
        assert_eq!(listed(&headers), ":path=/ a=1 b= a=2 ");
        headers.append(":method", "GET");
        headers.set("a", "3");
        assert_eq!(listed(&headers), ":path=/ :method=GET b= a=3 ");
        headers.remove("B");
        headers.set("c", "4");
        headers.set(":path", "/p");
        assert_eq!(listed(&headers), ":path=/p :method=GET a=3 c=4 ");
        assert_eq!((headers.get("C"), headers.get("b")), (Some(&b"4"[..]), None));
        assert_eq!(headers.text_len(), "/p:path:methodGETa3c4".len());
    }

    #[test]
    fn a_guest_reads_what_it_would_write() {
        assert_eq!(Headers::new().to_wire(), [0; 4]);
        let headers = sample();
        assert_eq!(headers.to_wire().len(), headers.wire_len());
        assert_eq!(Headers::from_wire(&headers.to_wire(), LIMITS), Ok(headers));
        for empty in [&[][..], &[0], &[0; 4]] {
            assert_eq!(Headers::from_wire(empty, LIMITS), Ok(Headers::new()));
        }
        let one: Headers = [("k", "v")].into_iter().collect();
        assert_eq!(one.to_wire(), *b"\x01\0\0\0\x01\0\0\0\x01\0\0\0k\0v\0");
    }

    #[test]
    fn what_is_too_much_or_no_field_is_refused() {
        let many: Headers = (0..65).map(|_| ("a", "b")).collect();
        assert_eq!(Headers::from_wire(&many.to_wire(), LIMITS), Err(Status::BadArgument));
        let long: Headers = [("a", "b".repeat(1024))].into_iter().collect();
        assert_eq!(Headers::from_wire(&long.to_wire(), LIMITS), Err(Status::BadArgument));
        for (name, value) in [("", "v"), ("a b", "v"), ("a", "v\r\nx: y"), ("a\n", "v"), ("a", "\0")] {
            let one: Headers = [(name, value)].into_iter().collect();
            assert_eq!(Headers::from_wire(&one.to_wire(), LIMITS), Err(Status::BadArgument), "{name:?}");
        }
    }

    /// Mutates maps: a byte, a length or the end. What is decoded must be what the bytes say.
    #[test]
    fn a_million_mutated_maps_are_refused_or_read_as_they_are() {
        let (mut seed, mut read, mut lies, mut refused) = (0x9e37_79b9_7f4a_7c15_u64, 0, 0, 0);
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        let original = sample().to_wire();
        for _ in 0..1_000_000 {
            let mut wire = original.clone();
            for _ in 0..=random(3) {
                let at = random(wire.len());
                match random(4) {
                    0 => wire[at] = random(256) as u8,
                    1 => wire[at] ^= 1 << random(8),
                    2 => wire.truncate(at.max(1)),
                    _ => wire.insert(at, random(3) as u8),
                }
            }
            match Headers::from_wire(&wire, LIMITS) {
                Ok(headers) if wire != [0] => {
                    read += 1;
                    assert_eq!(headers.wire_len(), wire.len(), "{wire:?}");
                }
                Ok(headers) => assert!(headers.is_empty()),
                Err(Status::InvalidMemoryAccess) => lies += 1,
                Err(status) => {
                    refused += 1;
                    assert_eq!(status, Status::BadArgument);
                }
            }
        }
        assert!(read > 1000 && lies > 1000 && refused > 1000, "{read} {lies} {refused}");
    }
}
