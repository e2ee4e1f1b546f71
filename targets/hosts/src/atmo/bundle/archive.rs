//! The files of a ZIP archive.
//!
//! What archives of programs have is read: one disk, no encryption, nothing or Deflate, and a directory at the end whose
//! entries agree with what stands before the files. Everything else is refused, so that no two readers see different
//! files. Nothing is allocated by what an archive says of itself before that has been compared with its length.

use super::error::BundleError;
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// The most files.
const MOST_FILES: u16 = 10_000;

/// How much Deflate can make of a byte.
const MOST_RATIO: u64 = 1032;

/// A file that isn't unpacked yet.
pub(super) struct Packed<'a> {
    content: &'a [u8],
    is_deflated: bool,
    size: u32,
    crc: u32,
}

/// Finds the files of an archive that are no larger together, unpacked, than `most` bytes.
pub(super) fn files(archive: &[u8], most: u64) -> Result<BTreeMap<&str, Packed<'_>>, BundleError> {
    let (mut directory, count, files_end) = directory(archive)?;
    let mut files = BTreeMap::new();
    let mut places = Vec::new();
    let mut sum = 0;
    for _ in 0..count {
        let entry = Entry::read(&mut directory)?;
        let name = entry.name;
        let wrong = |what: &str| BundleError::invalid(format_args!("{name:?} {what}"));
        let (place, content) =
            entry.place(&archive[..files_end]).ok_or_else(|| wrong("isn't where it should be"))?;
        places.push(place);
        if name.ends_with('/') {
            continue;
        }
        let is_part = |part: &str| !matches!(part, "" | "." | "..");
        if !name.split('/').all(is_part) || name.contains(['\\', '\0', ':']) {
            return Err(wrong("is no path in it"));
        }
        sum += u64::from(entry.size);
        if sum > most {
            return Err(BundleError::TooLarge(most));
        }
        let is_deflated = entry.method == DEFLATED;
        let largest = content.len() as u64 * if is_deflated { MOST_RATIO } else { 1 };
        if u64::from(entry.size) > largest {
            return Err(wrong("can't be as large as the archive says"));
        }
        let packed = Packed { content, is_deflated, size: entry.size, crc: entry.crc };
        if files.insert(name, packed).is_some() {
            return Err(wrong("is in it twice"));
        }
    }
    places.sort_unstable();
    match directory.is_empty() && places.is_sorted_by(|one, next| one.1 <= next.0) {
        true => Ok(files),
        false => Err(malformed()),
    }
}

impl Packed<'_> {
    /// The size of the file, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size.into()
    }

    /// Unpacks it.
    pub(super) fn content(&self) -> Result<Vec<u8>, BundleError> {
        let mut content = Vec::new();
        content.try_reserve_exact(self.size as usize).map_err(|_| BundleError::TooLarge(self.size()))?;
        let mut reader: Box<dyn Read> = match self.is_deflated {
            true => Box::new(DeflateDecoder::new(self.content)),
            false => Box::new(self.content),
        };
        // One more, to see whether there is more.
        reader.by_ref().take(self.size() + 1).read_to_end(&mut content).map_err(BundleError::Read)?;
        let mut crc = Crc::new();
        crc.update(&content);
        if content.len() != self.size as usize || crc.sum() != self.crc {
            return Err(BundleError::Read(io::Error::new(
                io::ErrorKind::InvalidData,
                "a file in it is damaged",
            )));
        }
        Ok(content)
    }
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An entry of the directory.
struct Entry<'a> {
    name: &'a str,
    method: u16,
    crc: u32,
    packed: u32,
    size: u32,
    /// Where what stands before the file begins.
    at: u32,
}

impl<'a> Entry<'a> {
    fn read(directory: &mut &'a [u8]) -> Result<Self, BundleError> {
        let entry = Self::parse(directory).ok_or_else(malformed)?;
        let (entry, flags, mode) = entry;
        let name = entry.name;
        let wrong = |what: &str| Err(BundleError::invalid(format_args!("{name:?} {what}")));
        const ENCRYPTED: u16 = 1;
        const LINK: u32 = 0o12;
        match () {
            () if flags & ENCRYPTED != 0 => wrong("is encrypted"),
            () if mode >> 12 == LINK => wrong("is no file"),
            () if entry.method != STORED && entry.method != DEFLATED => {
                wrong("is compressed in another way than Deflate")
            }
            () => Ok(entry),
        }
    }

    /// The entry, its flags, and its mode where it has one.
    fn parse(directory: &mut &'a [u8]) -> Option<(Self, u16, u32)> {
        signature(directory, b"PK\x01\x02")?;
        let [maker, _, flags, method, _, _] = words(directory)?;
        let [crc, packed, size] = longs(directory)?;
        let [name, extra, comment, _, _] = words(directory)?;
        let [attributes, at] = longs(directory)?;
        let name = str::from_utf8(take(directory, name.into())?).ok()?;
        take(directory, usize::from(extra) + usize::from(comment))?;
        const UNIX: u16 = 3;
        let mode = if maker >> 8 == UNIX { attributes >> 16 } else { 0 };
        Some((Self { name, method, crc, packed, size, at }, flags, mode))
    }

    /// Where the file is with what stands before it, and its bytes; `None` if that isn't what the directory says.
    fn place(&self, archive: &'a [u8]) -> Option<((usize, usize), &'a [u8])> {
        let mut rest = archive.get(self.at as usize..)?;
        signature(&mut rest, b"PK\x03\x04")?;
        let [_, _, method, _, _] = words(&mut rest)?;
        let [_, _, _] = longs(&mut rest)?;
        let [name, extra] = words(&mut rest)?;
        let name = take(&mut rest, name.into())?;
        take(&mut rest, extra.into())?;
        let content = take(&mut rest, self.packed as usize)?;
        let end = archive.len() - rest.len();
        (name == self.name.as_bytes() && method == self.method).then_some(((self.at as usize, end), content))
    }
}

/// The directory, how many entries it has, and where it begins.
fn directory(archive: &[u8]) -> Result<(&[u8], u16, usize), BundleError> {
    /// Without the comment.
    const END: usize = 22;
    let last = archive.len().checked_sub(END).ok_or_else(malformed)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    for at in (first..=last).rev() {
        let mut rest = &archive[at..];
        if signature(&mut rest, b"PK\x05\x06").is_none() {
            continue;
        }
        let Some(found) = end(rest) else { continue };
        let [count, size, start] = found;
        if count > u32::from(MOST_FILES) {
            return Err(BundleError::invalid(format_args!("there are more than {MOST_FILES} files in it")));
        }
        let (size, start) = (size as usize, start as usize);
        // Nothing stands between the directory and its end, so that there is one directory alone.
        let directory =
            archive.get(start..at).filter(|directory| directory.len() == size).ok_or_else(malformed)?;
        return Ok((directory, count as u16, start));
    }
    Err(malformed())
}

/// What the end says, if the comment is as long as it says: how many entries, the directory's size and place.
fn end(mut rest: &[u8]) -> Option<[u32; 3]> {
    let [disk, first_disk, here, count] = words(&mut rest)?;
    let [size, start] = longs(&mut rest)?;
    let [comment] = words(&mut rest)?;
    let is_one = (disk, first_disk, here) == (0, 0, count) && rest.len() == usize::from(comment);
    is_one.then_some([count.into(), size, start])
}

fn malformed() -> BundleError {
    BundleError::invalid("it is no ZIP archive of the plain kind")
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    bytes.split_off(..count)
}

fn signature(bytes: &mut &[u8], wanted: &[u8]) -> Option<()> {
    (take(bytes, wanted.len())? == wanted).then_some(())
}

fn words<const N: usize>(bytes: &mut &[u8]) -> Option<[u16; N]> {
    let (numbers, _) = take(bytes, 2 * N)?.as_chunks();
    Some(std::array::from_fn(|n| u16::from_le_bytes(numbers[n])))
}

fn longs<const N: usize>(bytes: &mut &[u8]) -> Option<[u32; N]> {
    let (numbers, _) = take(bytes, 4 * N)?.as_chunks();
    Some(std::array::from_fn(|n| u32::from_le_bytes(numbers[n])))
}
