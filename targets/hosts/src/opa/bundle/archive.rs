//! The files of a bundle, in memory.

use super::error::BundleError;
use super::options::BundleOptions;
use dunlin::{Charge, Kind};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::{self, Read};

pub(super) const MANIFEST: &str = ".manifest";
pub(super) const SIGNATURES: &str = ".signatures.json";

/// The most files.
const MOST_FILES: usize = 10_000;

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// Files by their paths, which have no slash at the beginning.
pub(super) struct Files {
    files: BTreeMap<String, Vec<u8>>,
    _charge: Charge,
}

impl Files {
    pub(super) fn read(archive: impl Read, options: &BundleOptions) -> Result<Self, BundleError> {
        let most = options.most_bytes;
        let mut charge = options.budget.charge(Kind::Host, 0).map_err(BundleError::OutOfBudget)?;
        // Whatever is in it goes through here: what the archive says of itself as well.
        let unpacked = Bounded { reader: MultiGzDecoder::new(archive), left: most };
        let mut archive = tar::Archive::new(unpacked);
        let mut files = BTreeMap::new();
        for entry in archive.entries().map_err(|error| refusal(error, most))? {
            let mut entry = entry.map_err(|error| refusal(error, most))?;
            let kind = entry.header().entry_type();
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            if !kind.is_file() {
                return Err(BundleError::invalid(format_args!("{name:?} is no file")));
            }
            let path = normal(&name)?;
            if files.len() >= MOST_FILES {
                return Err(BundleError::invalid(format_args!(
                    "there are more than {MOST_FILES} files in it"
                )));
            }
            let content = whole(&mut entry, &mut charge, most)?;
            if files.insert(path, content).is_some() {
                return Err(BundleError::invalid(format_args!("{name:?} is in it twice")));
            }
        }
        // Behind the archive's end there is nothing that counts, but whoever reads it may only know there that all is right.
        let rest = io::copy(&mut archive.into_inner(), &mut io::sink());
        rest.map_err(|error| refusal(error, most))?;
        Ok(Self { files, _charge: charge })
    }

    pub(super) fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    pub(super) fn take(&mut self, path: &str) -> Option<Vec<u8>> {
        self.files.remove(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }
}

/// A path without what means nothing at its beginning; one that leads out of the bundle is refused.
fn normal(path: &str) -> Result<String, BundleError> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") || path.contains(['\\', '\0']) {
        return Err(BundleError::invalid(format_args!("{path:?} is no path in it")));
    }
    Ok(parts.join("/"))
}

/// A file's content, paid for before it is held.
fn whole(file: &mut impl Read, charge: &mut Charge, most: u64) -> Result<Vec<u8>, BundleError> {
    let mut content = Vec::new();
    loop {
        let room = content.len().max(PIECE);
        charge.grow(room as u64).map_err(BundleError::OutOfBudget)?;
        content.try_reserve_exact(room).map_err(|_| BundleError::TooLarge(most))?;
        let read = file.by_ref().take(room as u64).read_to_end(&mut content);
        let read = read.map_err(|error| refusal(error, most))?;
        if read < room {
            charge.shrink((room - read) as u64);
            content.shrink_to_fit();
            return Ok(content);
        }
    }
}

fn refusal(error: io::Error, most: u64) -> BundleError {
    match error.get_ref().is_some_and(|inner| inner.is::<Exceeded>()) {
        true => BundleError::TooLarge(most),
        false if error.to_string().contains(Exceeded::TEXT) => BundleError::TooLarge(most),
        false => BundleError::Read(error),
    }
}

/// A reader of so many bytes, and an error behind them.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(Exceeded))?;
        Ok(count)
    }
}

#[derive(Debug)]
struct Exceeded;

impl Exceeded {
    /// The archive's reader wraps errors in texts of its own.
    const TEXT: &str = "more is unpacked than is allowed";
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::TEXT)
    }
}

impl std::error::Error for Exceeded {}
