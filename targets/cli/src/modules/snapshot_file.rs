//! Files with snapshots, which may be compressed by Zstandard.

use crate::failure::Failure;
use dunlin::Budget;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// What a compressed file begins with.
const COMPRESSED: &[u8] = b"\x28\xb5\x2f\xfd";

/// Opens one. `budget` pays for what decompressing takes.
pub(crate) fn open(file: File, budget: &Budget) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::new(file);
    match file.fill_buf()?.starts_with(COMPRESSED) {
        true => decompressed(file, budget),
        false => Ok(Box::new(file)),
    }
}

/// Whether a file of this name is to be compressed.
pub(crate) fn is_compressed(path: &Path) -> Result<bool, Failure> {
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
pub(crate) fn compress(
    _: &mut dyn Write,
    _: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(feature = "zstd")]
pub(crate) use zstd::compress;
#[cfg(feature = "zstd")]
use zstd::decompressed;

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
    pub(crate) fn compress(
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
