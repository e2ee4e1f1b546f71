//! What a terminal would obey is kept from it: the control characters of ASCII (C0), and those from 0x80 to 0x9f (C1), among
//! them 0x9b, which begins a command as `ESC [` does. A terminal that decodes UTF-8 finds the latter in two bytes; there
//! their numbers as bytes are parts of other characters. Any other terminal finds them in single bytes.

use super::streams::PIPE_BUF;
use super::system::{AsFd, decodes_utf8};
use crate::errno::{Fail, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Replaces control characters, each by as many bytes as it has.
pub(crate) struct EscapeFilter {
    /// Tells apart the streams that share `state`.
    stream: u8,
    /// Whether the terminal decodes UTF-8.
    utf8: bool,
    state: Shared,
}

/// What all streams of a guest share that are filtered. They may lead to the same terminal, where the first byte of a control
/// character could come from one and the second from the other.
pub(crate) type Shared = Arc<Mutex<EscapeState>>;

#[derive(Clone, Copy, Default)]
pub(crate) struct EscapeState {
    /// Where the last byte came from.
    stream: u8,
    rest: Rest,
}

/// What is missing of a character that has begun.
#[derive(Clone, Copy, Default)]
struct Rest {
    bytes: u8,
    /// The least and the greatest byte that can be next.
    next: (u8, u8),
    /// Whether it is a control character if the next byte is less than 0xa0.
    may_be_control: bool,
}

impl Rest {
    /// What comes after `byte`, which begins something.
    fn after(byte: u8) -> Self {
        let (bytes, next) = match byte {
            0xc2..=0xdf => (1, (0x80, 0xbf)),
            // What is left out would be a longer form of another character, a surrogate, or beyond the last character.
            0xe0 => (2, (0xa0, 0xbf)),
            0xed => (2, (0x80, 0x9f)),
            0xe1..=0xef => (2, (0x80, 0xbf)),
            0xf0 => (3, (0x90, 0xbf)),
            0xf1..=0xf3 => (3, (0x80, 0xbf)),
            0xf4 => (3, (0x80, 0x8f)),
            _ => (0, (0, 0)),
        };
        Self { bytes, next, may_be_control: byte == 0xc2 }
    }

    /// What to show for `byte`.
    fn filter(&mut self, byte: u8) -> u8 {
        if self.bytes > 0 && self.next.0 <= byte && byte <= self.next.1 {
            let control = self.may_be_control && byte < 0xa0;
            *self = Self { bytes: self.bytes - 1, next: (0x80, 0xbf), may_be_control: false };
            // Makes it an inverted question mark.
            return if control { 0xbf } else { byte };
        }
        *self = Self::after(byte);
        match byte {
            b'\n' | b'\r' | b'\t' => byte,
            0..0x20 | 0x7f..0xa0 => b'?',
            _ => byte,
        }
    }
}

impl EscapeFilter {
    /// For stream number `stream`, which leads to `terminal`.
    pub(crate) fn new(stream: u8, terminal: impl AsFd, state: Shared) -> Self {
        let utf8 = decodes_utf8(terminal) || locale_has_utf8();
        Self { stream, utf8, state }
    }

    fn state(&self) -> MutexGuard<'_, EscapeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn filter(&self, rest: &mut Rest, byte: u8) -> u8 {
        match rest.filter(byte) {
            0x80..0xa0 if !self.utf8 => b'?',
            byte => byte,
        }
    }

    /// Passes all to `write`, until that doesn't take everything.
    pub(crate) fn write(&self, bytes: &[u8], mut write: impl FnMut(&[u8]) -> Result<usize>) -> Result<usize> {
        let mut written = 0;
        for chunk in bytes.chunks(PIPE_BUF) {
            let before = *self.state();
            // Another stream's byte has ended the character that this one began.
            let before = if before.stream == self.stream { before.rest } else { Rest::default() };
            let mut filtered = [0; PIPE_BUF];
            let mut rest = before;
            for (&byte, filtered) in chunk.iter().zip(&mut filtered) {
                *filtered = self.filter(&mut rest, byte);
            }
            let count = match write(&filtered[..chunk.len()]) {
                Ok(count) => count,
                Err(Fail::Errno(_) | Fail::Waits) if written > 0 => break,
                Err(fail) => return Err(fail),
            };
            let mut rest = before;
            for &byte in &chunk[..count] {
                rest.filter(byte);
            }
            if count > 0 {
                *self.state() = EscapeState { stream: self.stream, rest };
            }
            written += count;
            if count < chunk.len() {
                break;
            }
        }
        Ok(written)
    }
}

/// Whether the host's locale says that text is UTF-8.
fn locale_has_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    fn filter(stream: u8, utf8: bool, state: &Shared) -> EscapeFilter {
        EscapeFilter { stream, utf8, state: state.clone() }
    }

    /// What arrives, if as much is taken at a time.
    fn filtered(utf8: bool, bytes: &[u8], most: usize) -> Vec<u8> {
        let filter = filter(1, utf8, &Shared::default());
        let mut arrived = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = filter.write(rest, |bytes| {
                let count = bytes.len().min(most);
                arrived.extend_from_slice(&bytes[..count]);
                Ok(count)
            });
            rest = &rest[count.unwrap()..];
        }
        arrived
    }

    /// Characters that have bytes from 0x80 to 0x9f, for each way in which a character can begin.
    const OTHERS: &str = "é Ā ě 。 日本 😀 𐀀 \u{81b} \u{89b} \u{d01b} \u{d7db} \u{e01b} \u{1f01b} \u{4101b} \u{8001b} \u{10001b} \u{10f01b} \u{10ffff}";

    #[test]
    fn a_terminal_gets_no_commands() {
        let long = [b"x".repeat(PIPE_BUF - 1), "\u{9b}31m".into()].concat();
        let expected = [b"x".repeat(PIPE_BUF - 1), "¿31m".into()].concat();
        for (text, expected) in [
            ("plain\ttext\r\n".as_bytes(), "plain\ttext\r\n".as_bytes()),
            (b"\x1b[2J\x07\x08\x00\x7f", b"?[2J????"),
            ("\u{9b}2J \u{85} \u{a0}".as_bytes(), "¿2J ¿ \u{a0}".as_bytes()),
            // Bytes of other characters that look the same alone.
            (OTHERS.as_bytes(), OTHERS.as_bytes()),
            (&long, &expected),
            // Alone, where another character is too short, and where it is too long.
            (b"\x9b31m \x80\x8d\x90\x9d\x9f", b"?31m ?????"),
            (b"\xe2\x9b\x9b\x9b \xc3\xa9\x9b \xc2\xa0\x9b", b"\xe2\x9b\x9b? \xc3\xa9? \xc2\xa0?"),
            // Longer forms, a surrogate, and more than there are.
            (b"\xc0\x9b\xc1\x9b\xe0\x80\x9b\xf0\x80\x82\x9b", b"\xc0?\xc1?\xe0??\xf0???"),
            (
                b"\xe0\x9b\x9b\xf0\x8f\x9b\x9b\xf4\x90\x9b\x9b\xf8\x9b\xff\x9b",
                b"\xe0??\xf0???\xf4???\xf8?\xff?",
            ),
            // One character begins before another has ended.
            (b"\xe2\xc2\x9b\xe2\x82\x1b[\xf0\x9f\xc2\x9b", b"\xe2\xc2\xbf\xe2\x82?[\xf0\x9f\xc2\xbf"),
        ] {
            for most in [1, 2, 3, 1000, 10_000] {
                assert_eq!(filtered(true, text, most), expected, "{:?} {most}", text.utf8_chunks().next());
            }
        }
    }

    #[test]
    fn a_character_ends_where_it_does() {
        for character in OTHERS.chars().chain(['\u{a0}', '\u{7ff}', '\u{fff}', '\u{3ffff}']) {
            let text = [character.to_string().as_bytes(), b"\x9b31m"].concat();
            let shown = filtered(true, &text, 100);
            let (before, after) = shown.split_at(character.len_utf8());
            assert_eq!((before, after), (&text[..before.len()], &b"?31m"[..]), "{character:?}");
        }
    }

    #[test]
    fn what_is_shown_is_never_a_command() {
        // All sequences of three bytes around those that matter, behind each byte that may begin a character.
        let some = [
            0x1b, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9b, 0x9f, 0xa0, 0xbf, 0xc2, 0xc3, 0xe0, 0xe2, 0xed, 0xf0,
            0xf4, 0xff,
        ];
        let mut sequences = 0;
        for first in 0..=255 {
            for second in some {
                for third in some {
                    let bytes = [first, second, third, b'x'];
                    let shown = filtered(true, &bytes, 4);
                    assert_eq!(shown.len(), bytes.len());
                    for chunk in shown.utf8_chunks() {
                        let command = |c: char| c.is_control() && !"\n\r\t".contains(c);
                        assert!(!chunk.valid().contains(command), "{bytes:x?}");
                        // The first byte of what is invalid may be the first of a character; no other is left alone.
                        assert!(chunk.invalid().first().is_none_or(|byte| *byte >= 0xa0), "{bytes:x?}");
                    }
                    let plain = filtered(false, &bytes, 4);
                    assert!(plain.iter().all(|byte| !matches!(byte, 0x7f..0xa0 | 0x1b)), "{bytes:x?}");
                    sequences += 1;
                }
            }
        }
        assert_eq!(sequences, 256 * some.len() * some.len());
    }

    #[test]
    fn a_terminal_without_utf8_gets_no_commands_in_other_characters() {
        assert_eq!(filtered(false, "ěA".as_bytes(), 10), b"\xc4?A");
        assert_eq!(
            filtered(false, b"\xe9 \xc4\x9b31m \xc2\x9b31m \xa0", 10),
            b"\xe9 \xc4?31m \xc2\xbf31m \xa0"
        );
    }

    #[test]
    fn two_streams_dont_make_a_command_together() {
        let state = Shared::default();
        let (out, err) = (filter(1, true, &state), filter(2, true, &state));
        let mut shown = Vec::new();
        for (filter, bytes) in [
            (&out, &b"\xc2"[..]),
            (&err, b"\x9b31m"),
            // Each is right in its own stream, but not between those of the other.
            (&err, b"\xc4"),
            (&out, b"\xc2"),
            (&err, b"\x9b31m"),
            (&out, b"\x9b31m"),
            (&out, "ě".as_bytes()),
        ] {
            let count = filter.write(bytes, |bytes| {
                shown.extend_from_slice(bytes);
                Ok(bytes.len())
            });
            assert_eq!(count, Ok(bytes.len()));
        }
        assert_eq!(shown, b"\xc2?31m\xc4\xc2?31m?31m\xc4\x9b");
    }

    #[test]
    fn what_took_nothing_comes_between_no_bytes() {
        let state = Shared::default();
        let (out, err) = (filter(1, true, &state), filter(2, true, &state));
        let take = |most: usize| move |bytes: &[u8]| Ok(bytes.len().min(most));
        assert_eq!(out.write(b"\xc4", take(1)), Ok(1));
        assert_eq!(err.write(b"x", take(0)), Ok(0));
        let mut shown = Vec::new();
        let written = out.write(b"\x9b", |bytes| {
            shown.extend_from_slice(bytes);
            Ok(bytes.len())
        });
        assert_eq!((written, &shown[..]), (Ok(1), &b"\x9b"[..]), "the end of a character");
    }

    #[test]
    fn a_write_that_fails_is_reported_once_nothing_was_written() {
        let filter = filter(1, true, &Shared::default());
        assert_eq!(filter.write(b"x", |_| Err(Errno::PIPE.into())), Err(Fail::Errno(Errno::PIPE)));
        // All of it is passed on, piece by piece.
        let taken = filter.write(&[b'x'; 2 * PIPE_BUF + 1], |bytes| Ok(bytes.len()));
        assert_eq!(taken, Ok(2 * PIPE_BUF + 1));
        let mut room = PIPE_BUF;
        let result = filter.write(&[b'x'; 2 * PIPE_BUF], |bytes| match room {
            0 => Err(Errno::AGAIN.into()),
            _ => Ok(std::mem::take(&mut room).min(bytes.len())),
        });
        assert_eq!(result, Ok(PIPE_BUF));
    }
}
