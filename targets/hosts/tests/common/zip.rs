//! Writes ZIP archives.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// A file of an archive, with what the archive says of it.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    /// Its mode, as Unix has it.
    pub(crate) mode: u32,
}

impl Packed {
    pub(crate) fn new(name: &str, content: &[u8]) -> Self {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
        deflated.write_all(content).unwrap();
        let mut crc = Crc::new();
        crc.update(content);
        Self {
            name: name.into(),
            content: deflated.finish().unwrap(),
            flags: 0,
            method: 8,
            crc: crc.sum(),
            size: content.len() as u32,
            mode: 0o100_644,
        }
    }

    fn numbers(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [self.flags, self.method, 0, 0x21] {
            bytes.extend(word.to_le_bytes());
        }
        for long in [self.crc, self.content.len() as u32, self.size] {
            bytes.extend(long.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }
}

/// An archive of these files.
pub(crate) fn archive(files: &[Packed]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let at = bytes.len() as u32;
        bytes.extend([b"PK\x03\x04\x14\0", &file.numbers()[..], &file.name, &file.content].concat());
        directory.extend([b"PK\x01\x02\x14\x03\x14\0", &file.numbers()[..], &[0; 6]].concat());
        directory.extend((file.mode << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(&file.name);
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        bytes.extend((files.len() as u16).to_le_bytes());
    }
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}
