//! Files with snapshots, which may be compressed by Zstandard.

use crate::failure::{Failure, io_reason};
use crate::output::destination::Destination;
use dunlin::{Budget, Error, Linker, Module, Restored, Snapshot, Store};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// What a compressed file begins with.
const COMPRESSED: &[u8] = b"\x28\xb5\x2f\xfd";

/// One that is to be restored, and what messages call it.
pub(crate) struct Opened {
    name: String,
    snapshot: Snapshot<Box<dyn Read>>,
}

impl Opened {
    /// Opens the one that an option names. `budget` pays for what reading it takes.
    pub(crate) fn open(option: &str, path: &Path, budget: &Budget) -> Result<Self, Failure> {
        let name = format!("{option} {}", path.display());
        let file = File::open(path).and_then(|file| open(file, budget));
        let file = file.map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
        let snapshot = Snapshot::open(budget, file);
        let snapshot = snapshot.map_err(|error| failed(&name, error))?;
        Ok(Self { name, snapshot })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The state that isn't the engine's.
    pub(crate) fn embedder(&self) -> &[u8] {
        self.snapshot.embedder()
    }

    /// Makes of the store what it was, of this module. Gives the name, too.
    pub(crate) fn restore<T: 'static>(
        self,
        (store, linker): (&mut Store<T>, &Linker<T>),
        module: &Module,
    ) -> Result<(Restored, String), Failure> {
        let Self { name, snapshot } = self;
        match snapshot.restore(store, linker, &[module]) {
            Ok(restored) => Ok((restored, name)),
            Err(error) => Err(failed(&name, error)),
        }
    }
}

fn failed(name: &str, error: Error) -> Failure {
    let kind = error.kind();
    Failure::of(kind, error.context(name))
}

/// A file that snapshots are written to, compressed if its name says so.
pub(crate) struct Written {
    file: Destination,
    compressed: bool,
}

impl Written {
    /// Determines whether it can be written.
    pub(crate) fn open(option: &'static str, path: &Path) -> Result<Self, Failure> {
        Ok(Self { compressed: is_compressed(path)?, file: Destination::open(option, path)? })
    }

    /// Replaces what is there by what `contents` writes. After a failure, what was there is there still.
    pub(crate) fn write(
        &self,
        contents: &dyn Fn(&mut dyn Write) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        let contents =
            |to: &mut dyn Write| contents(to).map_err(|error| io::Error::other(error.into_boxed_dyn_error()));
        self.file.write(&|to| if self.compressed { compress(to, contents) } else { contents(to) })
    }
}

/// Opens a file. `budget` pays for what decompressing takes.
pub(crate) fn open(file: File, budget: &Budget) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::new(file);
    match file.fill_buf()?.starts_with(COMPRESSED) {
        true => decompressed(file, budget),
        false => Ok(Box::new(file)),
    }
}

/// Whether a file of this name is to be compressed.
fn is_compressed(path: &Path) -> Result<bool, Failure> {
    match path.extension().is_some_and(|end| end == "zst") {
        true if cfg!(not(feature = "zstd")) => Err(Failure::usage(
            "this build of dunlin compresses no snapshots: build it with the feature 'zstd', or give a file that doesn't end in .zst",
        )),
        wanted => Ok(wanted),
    }
}

#[cfg(not(feature = "zstd"))]
fn decompressed(_: BufReader<File>, _: &Budget) -> io::Result<Box<dyn Read>> {
    Err(io::Error::other(
        "it is compressed by Zstandard: decompress it first, with unzstd, or build dunlin with the feature 'zstd'",
    ))
}

#[cfg(not(feature = "zstd"))]
fn compress(_: &mut dyn Write, _: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(feature = "zstd")]
use zstd::{compress, decompressed};

#[cfg(feature = "zstd")]
mod zstd {
    use super::*;
    use dunlin::{Charge, Kind};
    use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    /// How much is compressed at a time, each time as a frame of its own. With more, it takes longer and becomes no smaller.
    const PIECE: usize = 64 << 10;

    /// The largest window of a frame: that of `zstd` at its usual level. A reader keeps so much.
    const WINDOW: u64 = 2 << 20;

    /// What reading takes besides the window: tables, and a block.
    const SCRATCH: u64 = 1 << 20;

    /// Compresses what `contents` writes, in pieces.
    pub(super) fn compress(
        to: &mut dyn Write,
        contents: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut pieces = Pieces { to, piece: Vec::with_capacity(PIECE) };
        contents(&mut pieces)?;
        pieces.flush()
    }

    struct Pieces<'w> {
        to: &'w mut dyn Write,
        piece: Vec<u8>,
    }

    impl Write for Pieces<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(PIECE - self.piece.len());
            self.piece.extend_from_slice(&bytes[..taken]);
            if self.piece.len() == PIECE {
                self.flush()?;
            }
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            if !self.piece.is_empty() {
                self.to.write_all(&compress_to_vec(&self.piece[..], CompressionLevel::Fastest))?;
                self.piece.clear();
            }
            self.to.flush()
        }
    }

    pub(super) fn decompressed(from: BufReader<File>, budget: &Budget) -> io::Result<Box<dyn Read>> {
        let charge = budget.charge(Kind::Host, WINDOW + SCRATCH).map_err(io::Error::other)?;
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Ok(Box::new(Frames { from, decoder, is_over: true, _charge: charge }))
    }

    /// What frames contain, one after another.
    struct Frames {
        from: BufReader<File>,
        decoder: FrameDecoder,
        /// Whether the frame has been read.
        is_over: bool,
        _charge: Charge,
    }

    impl Read for Frames {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            loop {
                let count = self.decoder.read(to)?;
                if count > 0 || to.is_empty() {
                    return Ok(count);
                }
                if self.is_over {
                    if self.from.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    self.decoder.reset(&mut self.from).map_err(io::Error::other)?;
                }
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.is_over = self.decoder.decode_blocks(&mut self.from, one).map_err(io::Error::other)?;
            }
        }
    }
}
