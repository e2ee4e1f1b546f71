//! What host functions read and write of the guest's memory.

use super::{Guest, Session, Status};

/// An address and a length in the guest's memory.
pub(super) type Span = (u32, u32);

/// The guest's memory, and what the host knows.
pub(super) fn split<'a>(guest: &'a mut Guest<'_>) -> Result<(&'a mut [u8], &'a mut Session), Status> {
    let memory = guest.data().memory.ok_or(Status::Error)?;
    Ok(memory.data_and_store_mut(guest))
}

pub(super) fn slice(memory: &[u8], (at, len): Span) -> Result<&[u8], Status> {
    memory.get(at as usize..).and_then(|from| from.get(..len as usize)).ok_or(Status::Inval)
}

pub(super) fn slice_mut(memory: &mut [u8], (at, len): Span) -> Result<&mut [u8], Status> {
    memory.get_mut(at as usize..).and_then(|from| from.get_mut(..len as usize)).ok_or(Status::Inval)
}

pub(super) fn text(memory: &[u8], span: Span) -> Result<&str, Status> {
    str::from_utf8(slice(memory, span)?).map_err(|_| Status::Inval)
}

/// Writes where the guest wants a result.
pub(super) fn put<const N: usize>(memory: &mut [u8], at: u32, bytes: [u8; N]) -> Result<(), Status> {
    let place = memory.get_mut(at as usize..).and_then(|from| from.first_chunk_mut()).ok_or(Status::Inval)?;
    *place = bytes;
    Ok(())
}

pub(super) fn put_word(memory: &mut [u8], at: u32, word: u32) -> Result<(), Status> {
    put(memory, at, word.to_le_bytes())
}

/// The same, unless the guest wants none.
pub(super) fn put_wanted<const N: usize>(memory: &mut [u8], at: u32, bytes: [u8; N]) -> Result<(), Status> {
    if at == 0 { Ok(()) } else { put(memory, at, bytes) }
}

/// Reads a number from a structure.
pub(super) fn word(memory: &[u8], at: u32, offset: u32) -> Result<u32, Status> {
    let at = at.checked_add(offset).ok_or(Status::Inval)?;
    let bytes = memory.get(at as usize..).and_then(|from| from.first_chunk()).ok_or(Status::Inval)?;
    Ok(u32::from_le_bytes(*bytes))
}

/// Writes a value into the guest's buffer, and its length at `out`. If there isn't room, `out` says how much would do.
pub(super) fn fill(memory: &mut [u8], buffer: Span, out: u32, value: &[u8]) -> Result<(), Status> {
    let fits = value.len() <= buffer.1 as usize;
    if fits {
        slice_mut(memory, (buffer.0, value.len() as u32))?.copy_from_slice(value);
    }
    put_wanted(memory, out, (value.len() as u32).to_le_bytes())?;
    if fits { Ok(()) } else { Err(Status::Buflen) }
}

/// Where a list goes: a buffer, from which entry on, and the places for the next entry and what was written.
pub(super) struct List {
    pub(super) buffer: Span,
    pub(super) cursor: u32,
    pub(super) end: u32,
    pub(super) out: u32,
}

/// Writes as many entries as fit, each ended by a zero.
pub(super) fn fill_list<'v>(
    memory: &mut [u8],
    list: &List,
    entries: impl Iterator<Item = &'v [u8]>,
) -> Result<(), Status> {
    let buffer = slice_mut(memory, list.buffer)?;
    let mut written = 0;
    let mut next = list.cursor;
    let mut entries = entries.skip(list.cursor as usize).peekable();
    while let Some(entry) = entries.peek() {
        let end = written + entry.len() + 1;
        let Some(place) = buffer.get_mut(written..end) else {
            if written == 0 {
                put_wanted(memory, list.out, (end as u32).to_le_bytes())?;
                return Err(Status::Buflen);
            }
            break;
        };
        place[..entry.len()].copy_from_slice(entry);
        place[entry.len()] = 0;
        (written, next) = (end, next + 1);
        entries.next();
    }
    let cursor = if entries.peek().is_some() { i64::from(next) } else { -1 };
    put_wanted(memory, list.end, cursor.to_le_bytes())?;
    put_wanted(memory, list.out, (written as u32).to_le_bytes())
}

/// The entries of a list that a guest wrote, each ended by a zero; what isn't ended is none.
pub(super) fn entries(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = list.iter().rposition(|byte| *byte == 0).map_or(0, |last| last + 1);
    list[..whole].split_inclusive(|byte| *byte == 0).map(|entry| &entry[..entry.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest that reads lists with buffers and cursors of any size, places that lie among them, gets what there is.
    #[test]
    fn a_hundred_thousand_random_lists_are_read_whole_or_refused() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: u32| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % u64::from(below)) as u32
        };
        let (mut whole, mut refused) = (0, 0);
        for _ in 0..100_000 {
            let bytes: Vec<u8> =
                (0..random(40)).map(|_| if random(4) == 0 { 0 } else { b'a' + random(20) as u8 }).collect();
            let all: Vec<&[u8]> = entries(&bytes).collect();
            let ended = bytes.iter().rposition(|byte| *byte == 0).map_or(0, |last| last + 1);
            let text: Vec<u8> = all.iter().flat_map(|entry| entry.iter().copied().chain([0])).collect();
            assert_eq!(text, bytes[..ended]);

            let mut memory = [0xee; 96];
            let mut list = List {
                buffer: (random(64), random(64)),
                cursor: random(3),
                end: 64 + random(34),
                out: 72 + random(26),
            };
            let skipped: usize = all.iter().take(list.cursor as usize).map(|entry| entry.len() + 1).sum();
            let mut read = Vec::new();
            let end = loop {
                let before = memory;
                match fill_list(&mut memory, &list, all.iter().copied()) {
                    Ok(()) => {}
                    Err(status) => break Err(status),
                }
                let count = word(&memory, list.out, 0).unwrap() as usize;
                // Where results lie over each other, nobody can tell.
                if list.end + 8 > list.out || list.buffer.0 + list.buffer.1 > list.end {
                    break Err(Status::Error);
                }
                assert!(count <= list.buffer.1 as usize);
                let at = list.buffer.0 as usize;
                read.extend_from_slice(&memory[at..at + count]);
                assert_eq!(memory[at + count..list.end as usize], before[at + count..list.end as usize]);
                let next = i64::from_le_bytes(*memory[list.end as usize..].first_chunk().unwrap());
                if next < 0 {
                    break Ok(());
                }
                assert!(next > i64::from(list.cursor));
                list.cursor = next as u32;
            };
            match end {
                Ok(()) => {
                    whole += 1;
                    assert_eq!(read, text[skipped..]);
                }
                Err(_) => refused += 1,
            }
        }
        assert!(whole > 1000 && refused > 1000, "{whole} {refused}");
    }

    #[test]
    fn lists_are_written_in_parts() {
        let mut memory = [0xff; 64];
        let entries = [&b"one"[..], b"", b"three"];
        let mut list = List { buffer: (0, 6), cursor: 0, end: 40, out: 52 };
        let fill = |memory: &mut [u8], list: &List| fill_list(memory, list, entries.into_iter());
        fill(&mut memory, &list).unwrap();
        assert_eq!(
            (&memory[..6], word(&memory, 40, 0), word(&memory, 52, 0)),
            (&b"one\0\0\xff"[..], Ok(2), Ok(5))
        );
        list.cursor = 2;
        fill(&mut memory, &list).unwrap();
        assert_eq!((&memory[..6], word(&memory, 40, 0)), (&b"three\0"[..], Ok(u32::MAX)));
        list.buffer.1 = 5;
        assert_eq!((fill(&mut memory, &list), word(&memory, 52, 0)), (Err(Status::Buflen), Ok(6)));
        list.cursor = 9;
        fill(&mut memory, &list).unwrap();
        assert_eq!((word(&memory, 40, 0), word(&memory, 52, 0)), (Ok(u32::MAX), Ok(0)));
        for (buffer, end) in [((60, 5), 40), ((u32::MAX, 1), 40), ((0, u32::MAX), 40), ((0, 5), 57)] {
            assert_eq!(fill(&mut memory, &List { buffer, cursor: 9, end, out: 0 }), Err(Status::Inval));
        }
    }

    #[test]
    fn values_are_written_where_there_is_room() {
        let mut memory = [0; 16];
        assert_eq!(fill(&mut memory, (4, 3), 12, b"abc"), Ok(()));
        assert_eq!((&memory[4..8], word(&memory, 12, 0)), (&b"abc\0"[..], Ok(3)));
        assert_eq!(fill(&mut memory, (4, 2), 12, b"xyz"), Err(Status::Buflen));
        assert_eq!((&memory[4..8], word(&memory, 12, 0)), (&b"abc\0"[..], Ok(3)));
        for (buffer, out) in [((14, 3), 12), ((u32::MAX, u32::MAX), 12), ((4, 3), 13)] {
            assert_eq!(fill(&mut memory, buffer, out, b"abc"), Err(Status::Inval));
        }
        assert_eq!(text(&[0xff], (0, 1)), Err(Status::Inval));
        assert_eq!(word(&memory, u32::MAX, 4), Err(Status::Inval));
    }
}
