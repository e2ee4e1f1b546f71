//! A line for each call, in the manner of `strace`: the arguments as the specification calls them, then the result and
//! what the function has stored for the guest.

use crate::abi::{Fdflags, Fstflags, Lookupflags, Oflags, Riflags, Sdflags, Snapshot, Whence};
use crate::errno::{Fail, Result};
use crate::guest::{Argument, Guest};
use bitflags::Flags;
use std::fmt::Write;

/// How many bytes of a text or of a buffer are shown, as by `strace`.
const SHOWN_BYTES: u32 = 32;
/// How many of the buffers of a call are shown.
const SHOWN_BUFFERS: u32 = 4;

/// Where the lines go.
pub(crate) type Sink = Box<dyn FnMut(&str) + Send + Sync>;

/// Shows calls.
pub(crate) struct Trace {
    sink: Sink,
    /// The line of the call that is under way.
    line: String,
}

/// What an argument is. Its name tells: the table of functions gives one name to what is shown in one way.
#[derive(Clone, Copy)]
enum Meaning {
    Number,
    /// A number in hexadecimal: an address, or many flags.
    Bits,
    Flags(fn(u64) -> Option<String>),
    Whence,
    Clock,
    /// Where a text is; its length follows.
    Text,
    /// Where an array of buffers is; how many there are follows.
    Buffers,
    /// The same three, where the function stores something. Results have so many bytes.
    TextResult,
    BuffersResult,
    Result(u32),
}

impl Meaning {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "fd" | "from" | "to" | "old_fd" | "new_fd" | "offset" | "len" | "advice" | "precision"
            | "atim" | "mtim" | "cookie" | "code" | "signal" | "count" | "buf_len" | "siflags" | "size" => {
                Self::Number
            }
            "argv" | "argv_buf" | "environ" | "environ_buf" | "buf" | "fdstat" | "filestat" | "prestat"
            | "subscriptions" | "events" | "base" | "inheriting" => Self::Bits,
            "fdflags" => Self::Flags(names::<Fdflags>),
            "fst_flags" => Self::Flags(names::<Fstflags>),
            "how" => Self::Flags(names::<Sdflags>),
            "lookupflags" => Self::Flags(names::<Lookupflags>),
            "oflags" => Self::Flags(names::<Oflags>),
            "riflags" => Self::Flags(names::<Riflags>),
            "whence" => Self::Whence,
            "id" => Self::Clock,
            "path" | "old_path" | "new_path" => Self::Text,
            "ciovs" => Self::Buffers,
            "dir_name" | "target" => Self::TextResult,
            "iovs" => Self::BuffersResult,
            "roflags" => Self::Result(2),
            "argc" | "argv_buf_size" | "environc" | "environ_buf_size" | "opened" | "accepted" | "nread"
            | "nwritten" | "bufused" | "nevents" => Self::Result(4),
            "newoffset" | "resolution" | "time" => Self::Result(8),
            _ => return None,
        })
    }

    fn is_result(self) -> bool {
        matches!(self, Self::TextResult | Self::BuffersResult | Self::Result(_))
    }

    fn has_length(self) -> bool {
        matches!(self, Self::Text | Self::Buffers | Self::TextResult | Self::BuffersResult)
    }
}

/// The arguments with what they are, without those that are the length of another one.
fn meanings(arguments: &[Argument]) -> impl Iterator<Item = (&'static str, u64, Meaning, u32)> + '_ {
    let mut before = Meaning::Number;
    arguments.iter().enumerate().filter_map(move |(index, &(name, value))| {
        if std::mem::replace(&mut before, Meaning::Number).has_length() {
            return None;
        }
        before = Meaning::of(name).unwrap_or(Meaning::Number);
        let next = arguments.get(index + 1).map_or(0, |(_, value)| *value as u32);
        Some((name, value as u64, before, next))
    })
}

impl Trace {
    pub(crate) fn new(sink: Sink) -> Self {
        Self { sink, line: String::new() }
    }

    /// A function is called.
    #[cold]
    pub(crate) fn begin(&mut self, function: &str, arguments: &[Argument], guest: &Guest<'_>) {
        self.line.clear();
        if guest.snapshot == Snapshot::Unstable {
            self.line.push_str("wasi_unstable.");
        }
        self.line.push_str(function);
        self.line.push('(');
        let mut separator = "";
        for (name, value, meaning, len) in
            meanings(arguments).filter(|(_, _, meaning, _)| !meaning.is_result())
        {
            let shown = match meaning {
                // Of numbers, only the one of `fd_seek` may be negative, and it has 64 bits.
                Meaning::Number => (value as i64).to_string(),
                Meaning::Flags(names) => names(value).unwrap_or_else(|| format!("{value:#x}")),
                Meaning::Whence => whence(value, guest.snapshot),
                Meaning::Clock => clock(value),
                Meaning::Text => text(guest, value as u32, len),
                Meaning::Buffers => buffers(guest, value as u32, len, u32::MAX),
                _ => format!("{value:#x}"),
            };
            let _ = write!(self.line, "{separator}{name}={shown}");
            separator = ", ";
        }
        self.line.push(')');
    }

    /// It returned. `begin` was called with the same.
    #[cold]
    pub(crate) fn end(&mut self, arguments: &[Argument], guest: &Guest<'_>, result: &Result) {
        let _ = match result {
            // It will be called again.
            Err(Fail::Waits) => return,
            Ok(()) => self.line.write_str(" = 0"),
            Err(Fail::Errno(errno)) => {
                write!(self.line, " = E{}", format!("{errno:?}").trim_start_matches('_'))
            }
            Err(Fail::Interrupted) => self.line.write_str(" = interrupted"),
            Err(Fail::Exit(_)) => self.line.write_str(" = exit"),
        };
        if result.is_ok() {
            self.results(arguments, guest);
        }
        (self.sink)(&self.line);
    }

    fn results(&mut self, arguments: &[Argument], guest: &Guest<'_>) {
        // How many of the bytes that there is room for are used.
        let used = arguments.iter().find(|(name, _)| matches!(*name, "nread" | "bufused"));
        let used = used.and_then(|(_, at)| number(guest, *at as u32, 4)).map_or(u32::MAX, |used| used as u32);
        for (name, value, meaning, len) in meanings(arguments) {
            let at = value as u32;
            let shown = match meaning {
                Meaning::TextResult => text(guest, at, len.min(used)),
                Meaning::BuffersResult => buffers(guest, at, len, used),
                Meaning::Result(bytes) => {
                    number(guest, at, bytes).map_or_else(String::new, |value| value.to_string())
                }
                _ => continue,
            };
            let _ = write!(self.line, ", {name}={shown}");
        }
    }
}

/// The number that the function stored.
fn number(guest: &Guest<'_>, at: u32, len: u32) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes[..len as usize].copy_from_slice(guest.bytes(at, len).ok()?);
    Some(u64::from_le_bytes(bytes))
}

/// The beginning of a text of `len` bytes.
fn text(guest: &Guest<'_>, at: u32, len: u32) -> String {
    let Ok(bytes) = guest.bytes(at, len.min(SHOWN_BYTES)) else { return format!("{at:#x}") };
    let mut shown = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        shown.extend(chunk.valid().escape_debug());
        chunk.invalid().iter().for_each(|byte| {
            let _ = write!(shown, "\\x{byte:02x}");
        });
    }
    shown.push('"');
    if len > SHOWN_BYTES {
        shown.push_str("...");
    }
    shown
}

/// The beginnings of an array's first buffers, of which `used` bytes count.
fn buffers(guest: &Guest<'_>, iovs: u32, count: u32, mut used: u32) -> String {
    let mut shown = Vec::new();
    for index in 0..count {
        let Ok((at, len)) = guest.iovec(iovs, index) else {
            shown.push(format!("{iovs:#x}"));
            break;
        };
        let len = len.min(used);
        if index > 0 && used == 0 {
            break;
        }
        if index == SHOWN_BUFFERS {
            shown.push("...".into());
            break;
        }
        shown.push(text(guest, at, len));
        used -= len;
    }
    format!("[{}]", shown.join(", "))
}

/// The names of flags; `None` if the guest passes what there can't be.
fn names<F: Flags<Bits: TryFrom<u64> + Into<u64>>>(value: u64) -> Option<String> {
    let flags = F::from_bits_retain(F::Bits::try_from(value).ok()?);
    let mut names = flags.iter_names();
    let mut shown: Vec<_> = names.by_ref().map(|(name, _)| name.to_owned()).collect();
    let unknown: u64 = names.remaining().bits().into();
    if unknown > 0 {
        shown.push(format!("{unknown:#x}"));
    }
    Some(if shown.is_empty() { "0".into() } else { shown.join("|") })
}

fn whence(value: u64, snapshot: Snapshot) -> String {
    let name = match snapshot.whence(value as u32) {
        Ok(Whence::Set) => "SET",
        Ok(Whence::Cur) => "CUR",
        Ok(Whence::End) => "END",
        Err(_) => return value.to_string(),
    };
    name.into()
}

fn clock(value: u64) -> String {
    let names = ["REALTIME", "MONOTONIC", "PROCESS_CPUTIME_ID", "THREAD_CPUTIME_ID"];
    names.get(value as usize).map_or_else(|| value.to_string(), |&name| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::for_each_function;

    macro_rules! names_of_arguments {
        ($($capability:ident $status:tt $does:literal
            fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $(, waits $waits:expr)?;)*) => {
            const ARGUMENTS: &[(&str, &[&str])] = &[$((stringify!($name), &[$(stringify!($arg)),*])),*];
        };
    }
    for_each_function!(names_of_arguments);

    #[test]
    fn each_argument_of_each_function_has_a_meaning() {
        assert_eq!(ARGUMENTS.len(), 46);
        for (function, names) in ARGUMENTS {
            let mut rest = names.iter();
            while let Some(name) = rest.next() {
                let meaning = Meaning::of(name).unwrap_or_else(|| panic!("{function}: {name}"));
                if meaning.has_length() {
                    assert_eq!(rest.next().copied(), Some(&*format!("{name}_len")), "{function}");
                }
            }
        }
    }
}
