//! Files that aren't modules but are recognised by their first bytes, with advice for each.

use std::io::{self, Read};

/// The first bytes, and the advice.
type OtherFormat = (&'static [u8], &'static str);

const COMPRESSED: [OtherFormat; 5] = [
    (b"\x1f\x8b", "it is compressed by gzip: decompress it first, with gunzip"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by Zstandard: decompress it first, with unzstd"),
    (b"\xfd7zXZ\0", "it is compressed by xz: decompress it first, with unxz"),
    (b"BZh", "it is compressed by bzip2: decompress it first, with bunzip2"),
    (b"PK\x03\x04", "it is a zip archive: unpack it first, with unzip"),
];

/// Files that another build of the command accepts.
const OF_OTHER_BUILDS: &[OtherFormat] = &[
    #[cfg(not(feature = "precompiled"))]
    (
        b"\0dunlin",
        "it is a precompiled file, which this build of dunlin can't run: build it with the feature 'precompiled'",
    ),
    #[cfg(not(feature = "text"))]
    (b"(", "it is in the text format, which this build of dunlin has not: build it with the feature 'text'"),
    #[cfg(not(feature = "text"))]
    (b";;", "it is in the text format, which this build of dunlin has not: build it with the feature 'text'"),
];

/// Reads just enough to recognise such a file. Otherwise returns a reader that starts from the beginning again.
pub(crate) fn refuse(mut reader: Box<dyn Read>) -> io::Result<Result<Box<dyn Read>, &'static str>> {
    let mut head = Vec::new();
    let known = || COMPRESSED.iter().chain(OF_OTHER_BUILDS);
    loop {
        if let Some((_, sentence)) = known().find(|(magic, _)| head == *magic) {
            return Ok(Err(sentence));
        }
        if !known().any(|(magic, _)| magic.starts_with(&head)) {
            break;
        }
        if reader.by_ref().take(1).read_to_end(&mut head)? == 0 {
            break;
        }
    }
    Ok(Ok(Box::new(io::Cursor::new(head).chain(reader))))
}
