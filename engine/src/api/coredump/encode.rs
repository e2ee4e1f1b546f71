//! The binary format, as far as a core dump has it. Everything is written piece by piece: what has its size before it is
//! written twice, the first time only to be counted.

use std::io::{self, Write};

/// Writes something.
pub(super) type Contents<'c> = &'c dyn Fn(&mut dyn Write) -> io::Result<()>;

pub(super) const MEMORY: u8 = 5;
pub(super) const GLOBAL: u8 = 6;
pub(super) const DATA: u8 = 11;

pub(super) fn section(out: &mut dyn Write, id: u8, contents: Contents<'_>) -> io::Result<()> {
    let mut size = Count(0);
    contents(&mut size)?;
    out.write_all(&[id])?;
    unsigned(out, size.0)?;
    contents(out)
}

pub(super) fn custom(out: &mut dyn Write, name: &str, contents: Contents<'_>) -> io::Result<()> {
    section(out, 0, &|out| {
        self::name(out, name)?;
        contents(out)
    })
}

/// A vector: the number of elements, and each.
pub(super) fn vector<T>(
    out: &mut dyn Write,
    elements: impl Iterator<Item = T> + Clone,
    mut write: impl FnMut(&mut dyn Write, T) -> io::Result<()>,
) -> io::Result<()> {
    unsigned(out, elements.clone().count() as u64)?;
    for element in elements {
        write(out, element)?;
    }
    Ok(())
}

pub(super) fn name(out: &mut dyn Write, name: &str) -> io::Result<()> {
    unsigned(out, name.len() as u64)?;
    out.write_all(name.as_bytes())
}

/// Unsigned LEB128.
pub(super) fn unsigned(out: &mut dyn Write, mut value: u64) -> io::Result<()> {
    while value >= 0x80 {
        out.write_all(&[value as u8 | 0x80])?;
        value >>= 7;
    }
    out.write_all(&[value as u8])
}

/// Signed LEB128.
pub(super) fn signed(out: &mut dyn Write, mut value: i64) -> io::Result<()> {
    while !(-0x40..0x40).contains(&value) {
        out.write_all(&[value as u8 | 0x80])?;
        value >>= 7;
    }
    out.write_all(&[value as u8 & 0x7f])
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
