//! Modules in archives: the files of an image.

use super::OciError;
use super::choose::Packing;
use super::manifest::plain_path;
use flate2::read::MultiGzDecoder;
use std::io::{self, Read, Seek, SeekFrom};

/// An archive, unpacked, has at most so many bytes: a small one may be made that has any number.
const MOST_UNPACKED: u64 = 1 << 30;

/// How many files an archive has at most.
const MOST_FILES: usize = 100_000;

/// A layer, whose digest is right.
pub(super) trait Layer: Read + Seek + Send {}

impl<L: Read + Seek + Send> Layer for L {}

/// A file of an archive.
struct Entry {
    path: String,
    /// Where it is in the unpacked archive.
    offset: u64,
    size: u64,
    is_file: bool,
}

/// An archive, and what is in it.
pub(super) struct Archive {
    layer: Box<dyn Layer>,
    packing: Packing,
    entries: Vec<Entry>,
}

impl Archive {
    /// Looks what is in a layer.
    pub(super) fn open(what: &str, mut layer: Box<dyn Layer>, packing: Packing) -> Result<Self, OciError> {
        let malformed = |error: io::Error| OciError::Malformed {
            what: what.into(),
            why: format!("it is no archive that can be read: {error}"),
        };
        let mut archive = tar::Archive::new(unpacked(&mut layer, packing)?);
        let mut entries = Vec::new();
        for entry in archive.entries().map_err(malformed)? {
            let entry = entry.map_err(malformed)?;
            let path = plain_path(&String::from_utf8_lossy(&entry.path_bytes()));
            let is_file = entry.header().entry_type().is_file();
            let (offset, size) = (entry.raw_file_position(), entry.size());
            if entries.len() == MOST_FILES {
                return Err(malformed(io::Error::other("it has too many files")));
            }
            entries.push(Entry { path, offset, size, is_file });
        }
        drop(archive);
        Ok(Self { layer, packing, entries })
    }

    /// Its files that are modules by their name.
    fn modules(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_file && entry.path.ends_with(".wasm"))
    }

    /// A reader of one of its files.
    fn into_reader(self, entry: usize) -> Result<(u64, Box<dyn Read + Send>), OciError> {
        let Self { layer, packing, mut entries } = self;
        let Entry { offset, size, .. } = entries.swap_remove(entry);
        let mut reader = unpacked(layer, packing)?;
        io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
        Ok((size, Box::new(reader.take(size))))
    }
}

fn unpacked<'l>(mut layer: impl Layer + 'l, packing: Packing) -> io::Result<Box<dyn Read + Send + 'l>> {
    layer.seek(SeekFrom::Start(0))?;
    let reader: Box<dyn Read + Send> = match packing {
        Packing::None => Box::new(layer),
        Packing::Gzip => Box::new(MultiGzDecoder::new(io::BufReader::new(layer))),
    };
    Ok(Box::new(reader.take(MOST_UNPACKED)))
}

/// The module in the files of an image: the program that its configuration names, else `plugin.wasm`, else the only file
/// with that ending. Gives its path and its reader. `next` gives layers from the last on: what is in one covers what is in
/// those below it.
pub(super) fn module(
    what: &str,
    program: Option<&str>,
    mut next: impl FnMut() -> Option<Result<Archive, OciError>>,
) -> Result<(String, u64, Box<dyn Read + Send>), OciError> {
    let none = |why: &str| OciError::NoModule(format!("there is no module in {what}: {why}"));
    let wanted = program.unwrap_or("plugin.wasm");
    let mut others: Vec<(String, Archive, usize)> = Vec::new();
    while let Some(archive) = next() {
        let archive = archive?;
        // The last of a name is the one that counts.
        if let Some(at) = archive.entries.iter().rposition(|entry| entry.path == wanted) {
            if !archive.entries[at].is_file {
                return Err(none(&format!("{wanted} is no file in it, but a link or a folder")));
            }
            let (size, reader) = archive.into_reader(at)?;
            return Ok((wanted.into(), size, reader));
        }
        if archive.entries.iter().any(|entry| hides(&entry.path, wanted)) {
            break;
        }
        if program.is_none() {
            let found: Vec<_> = archive.modules().map(|entry| entry.path.clone()).collect();
            match &found[..] {
                [] => {}
                [only] if others.is_empty() => {
                    let at =
                        archive.entries.iter().rposition(|entry| entry.path == *only).unwrap_or_default();
                    others.push((only.clone(), archive, at));
                }
                _ => return Err(none(&format!("several files may be it: {}", found.join(", ")))),
            }
        }
    }
    match (program, others.pop()) {
        (None, Some((path, archive, at))) => {
            let (size, reader) = archive.into_reader(at)?;
            Ok((path, size, reader))
        }
        (Some(program), _) => Err(none(&format!("its program {program} isn't in its layers"))),
        (None, None) => Err(none("no file in its layers ends with .wasm")),
    }
}

/// Whether an entry says that what layers below have at this path is gone.
fn hides(entry: &str, path: &str) -> bool {
    let (folder, name) = entry.rsplit_once('/').unwrap_or(("", entry));
    let Some(gone) = name.strip_prefix(".wh.") else { return false };
    let below = |folder: &str| {
        folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    if gone == ".wh..opq" {
        return below(folder);
    }
    let gone = if folder.is_empty() { gone.to_owned() } else { format!("{folder}/{gone}") };
    path == gone || below(&gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn archive(files: &[(&str, &str)], packing: Packing) -> Archive {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, contents) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(contents.len() as u64);
            header.set_mode(0o644);
            if let Some(target) = contents.strip_prefix("->") {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, target).unwrap();
            } else {
                builder.append_data(&mut header, path, contents.as_bytes()).unwrap();
            }
        }
        let mut bytes = builder.into_inner().unwrap();
        if packing == Packing::Gzip {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
        }
        Archive::open("x", Box::new(io::Cursor::new(bytes)), packing).unwrap()
    }

    /// Layers from the first.
    fn found(program: Option<&str>, layers: &[&[(&str, &str)]]) -> Result<(String, String), String> {
        let mut result = Vec::new();
        for packing in [Packing::None, Packing::Gzip] {
            let mut left = layers.iter().rev();
            let module = module("x", program, || Some(Ok(archive(left.next()?, packing))));
            result.push(module.map_err(|error| error.to_string()).map(|(path, size, mut reader)| {
                let mut text = String::new();
                reader.read_to_string(&mut text).unwrap();
                assert_eq!(text.len() as u64, size);
                (path, text)
            }));
        }
        assert_eq!(result[0], result[1]);
        result.swap_remove(0)
    }

    #[test]
    fn the_program_of_an_image_is_found() {
        let ok = |path: &str, text: &str| Ok((path.to_owned(), text.to_owned()));
        let base: &[(&str, &str)] = &[("./app.wasm", "one"), ("bin/b.wasm", "two"), ("etc/x", "y")];
        let above: &[(&str, &str)] = &[("app.wasm", "three")];
        assert_eq!(found(Some("app.wasm"), &[base]), ok("app.wasm", "one"));
        assert_eq!(found(Some("bin/b.wasm"), &[base, above]), ok("bin/b.wasm", "two"));
        assert_eq!(found(Some("app.wasm"), &[base, above]), ok("app.wasm", "three"));
        assert_eq!(found(None, &[&[("plugin.wasm", "p"), ("other.wasm", "o")]]), ok("plugin.wasm", "p"));
        assert_eq!(
            found(None, &[&[("policy.wasm", "p"), ("data.json", "{}")], &[("z", "z")]]),
            ok("policy.wasm", "p")
        );
        let long = format!("{}/app.wasm", "long".repeat(60));
        assert_eq!(found(Some(&long), &[&[(&long, "x")]]), ok(&long, "x"));
    }

    #[test]
    fn what_cannot_be_found_is_said() {
        let base: &[(&str, &str)] = &[("d/app.wasm", "one"), ("b.wasm", "two"), ("c.wasm", "->b.wasm")];
        let fails = |program, layers: &[&[(&str, &str)]], why: &str| {
            let error = found(program, layers).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        fails(Some("x.wasm"), &[base], "its program x.wasm isn't in its layers");
        fails(Some("c.wasm"), &[base], "a link or a folder");
        fails(None, &[base], "several files may be it: d/app.wasm, b.wasm");
        fails(None, &[&[("a", "b")]], "no file in its layers ends with .wasm");
        for gone in ["d/.wh.app.wasm", ".wh.d", "d/.wh..wh..opq", ".wh..wh..opq"] {
            fails(Some("d/app.wasm"), &[base, &[(gone, "")]], "isn't in its layers");
        }
        let (path, _) = found(Some("d/app.wasm"), &[base, &[("d/.wh.app", ""), (".wh.dd", "")]]).unwrap();
        assert_eq!(path, "d/app.wasm");
        let noise = Archive::open("x", Box::new(io::Cursor::new(vec![7; 2000])), Packing::None);
        assert!(noise.is_err_and(|error| error.to_string().contains("no archive")));
    }
}
