//! Files that the command writes, atomically: after a failure there is the whole new file or the old one.
//!
//! The new file is created beside the old one, written, synchronized (which reports the errors that `close` would, and
//! more) and renamed. What isn't a regular file, or mustn't be replaced by another file, is written in place.

use super::console::patience;
use crate::failure::{Failure, io_reason};
use crate::host::files::{is_stdout, names, set_owner};
use crate::host::streams::Patient;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The destination that an option names.
#[derive(Debug)]
pub(crate) struct Destination {
    option: &'static str,
    path: PathBuf,
    sink: Sink,
}

/// Writes what a file shall contain.
pub(crate) type Contents<'c> = &'c dyn Fn(&mut dyn Write) -> io::Result<()>;

#[derive(Debug)]
enum Sink {
    /// Standard output.
    Stdout,
    /// A pipe, a device, or an inherited descriptor.
    Stream(File),
    /// A file, by its name with links resolved; and the existing file, if it has to be written in place.
    File(PathBuf, Option<File>),
}

impl Destination {
    /// Determines where it leads, and whether it can be written. Opening a FIFO waits for a reader.
    pub(crate) fn open(option: &'static str, path: &Path) -> Result<Self, Failure> {
        match Sink::find(path) {
            Ok(sink) => Ok(Self { option, path: path.to_owned(), sink }),
            Err(error) => Err(unwritable(option, path, &error)),
        }
    }

    /// Removes what an earlier run left, which mustn't be mistaken for this run's.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        match &self.sink {
            Sink::File(_, Some(old)) => old.set_len(0).map_err(|error| self.failure(&error)),
            _ => Ok(()),
        }
    }

    /// Whether it is standard output: then nothing else must be written there.
    #[cfg(any(feature = "jit", feature = "hosts"))]
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self.sink, Sink::Stdout)
    }

    /// Whether its name ends in a dot and this.
    #[cfg(feature = "debug-info")]
    pub(crate) fn ends_in(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|end| end == extension)
    }

    /// Writes it. `contents` may be called twice; it writes piece by piece, so that a large file is never held in
    /// memory.
    pub(crate) fn write(&self, contents: Contents<'_>) -> Result<(), Failure> {
        let written = match &self.sink {
            Sink::Stdout => match write_to(Patient::new(&io::stdout(), patience()), contents) {
                // A closed pipe is no failure, as for all output.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                result => result,
            },
            Sink::Stream(file) => write_stream(file, contents),
            Sink::File(path, old) => replace(path, old.as_ref(), contents),
        };
        written.map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        unwritable(self.option, &self.path, error)
    }
}

fn unwritable(option: &str, path: &Path, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        ErrorKind::TimedOut => "nobody reads it".into(),
        _ => io_reason(error),
    };
    Failure::unusable(format_args!("{option} {}: {reason}", path.display()))
}

impl Sink {
    fn find(path: &Path) -> io::Result<Self> {
        if path == "-" {
            return Ok(Self::Stdout);
        }
        let existing = || OpenOptions::new().write(true).open(path);
        match fs::metadata(path) {
            Ok(there) if is_stdout(path, &there) => return Ok(Self::Stdout),
            Ok(there) if !there.is_file() => return Ok(Self::Stream(existing()?)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match linked_to(path)? {
            None => Ok(Self::Stream(File::create(path)?)),
            Some(name) if name.exists() => Ok(Self::File(name, Some(existing()?))),
            Some(name) => {
                let (beside, _) = create_beside(&name)?;
                fs::remove_file(beside)?;
                Ok(Self::File(name, None))
            }
        }
    }
}

/// How many links are followed, as Linux does.
const MAX_LINKS: usize = 40;

/// Resolves symbolic links; `None` if they lead to a descriptor.
fn linked_to(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if is_descriptor(&path) {
            return Ok(None);
        }
        if !path.is_symlink() {
            return Ok(Some(path));
        }
        let target = fs::read_link(&path)?;
        path = path.with_file_name("").join(target);
    }
    Err(ErrorKind::NotFound.into())
}

/// Whether it is a descriptor's name, such as `/dev/fd/3`: its opener looks at the open file, not at the file's name.
fn is_descriptor(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    folder.is_some_and(|folder| folder.starts_with("/proc"))
}

fn replace(path: &Path, old: Option<&File>, contents: Contents<'_>) -> io::Result<()> {
    match (write_beside(path, old, contents), old) {
        (Err(error), Some(old)) if can_only_be_rewritten(&error) => {
            old.set_len(0)?;
            write_stream(old, contents)
        }
        (result, _) => result,
    }
}

/// Whether a file can't be replaced, though it may be possible to write it: its folder is read-only, it belongs to somebody
/// else, it has several names or is mounted there.
fn can_only_be_rewritten(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy
            | ErrorKind::TooManyLinks
    )
}

fn write_beside(path: &Path, old: Option<&File>, contents: Contents<'_>) -> io::Result<()> {
    if old.map(names).transpose()?.is_some_and(|names| names > 1) {
        return Err(ErrorKind::TooManyLinks.into());
    }
    let old = old.map(File::metadata).transpose()?;
    let (beside, file) = create_beside(path)?;
    let written = fill(&file, old.as_ref(), contents).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn fill(file: &File, old: Option<&Metadata>, contents: Contents<'_>) -> io::Result<()> {
    if let Some(old) = old {
        set_owner(file, old)?;
        file.set_permissions(old.permissions())?;
    }
    write_to(Patient::new(file, None), contents)?;
    file.sync_all()
}

/// Makes a file in the same folder.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    if path.file_name().is_none() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let mut number = 0;
    loop {
        let beside = path.with_file_name(format!(".dunlin-{}-{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            // Left by a process that was killed, with the same number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 100 => number += 1,
            result => return Ok((beside, result?)),
        }
    }
}

fn write_to(to: Patient<'_>, contents: Contents<'_>) -> io::Result<()> {
    let mut buffer = BufWriter::new(to);
    contents(&mut buffer)?;
    buffer.flush()
}

fn write_stream(file: &File, contents: Contents<'_>) -> io::Result<()> {
    write_to(Patient::new(file, patience()), contents)?;
    match file.sync_all() {
        // A pipe and most devices can't be synchronized.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}
