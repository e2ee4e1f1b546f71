//! The folder of drained requests: one file for each, whose name's end says how far it is.

use super::id::Id;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How many requests there may be.
const MOST: usize = 1024;

/// How long an answer waits to be fetched.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How long what can't go on here waits for whoever looks for the reason.
const PATIENCE_ASIDE: Duration = Duration::from_secs(24 * 60 * 60);

/// What names of files that aren't complete begin with.
const UNFINISHED: &str = ".new-";

/// How far a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::wagi) enum Stage {
    /// It goes on when somebody takes it up.
    Waiting,
    /// Somebody has it in hand. Its file, if there is one, is that of before.
    InHand,
    /// Its answer is there.
    Answered,
    /// It can't go on here. Its file is kept for a day, for whoever looks for the reason.
    SetAside,
}

impl Stage {
    const NAMED: [(Self, &str); 3] =
        [(Self::Waiting, "snap"), (Self::Answered, "answer"), (Self::SetAside, "refused")];

    /// How long a request may be so far; `None` if that ends otherwise.
    fn patience(self) -> Option<Duration> {
        match self {
            Self::Waiting | Self::InHand => None,
            Self::Answered => Some(PATIENCE),
            Self::SetAside => Some(PATIENCE_ASIDE),
        }
    }

    /// How names of its files end. One in hand has that of before.
    fn ending(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(stage, _)| *stage == self);
        named.map_or(Self::NAMED[0].1, |(_, ending)| ending)
    }
}

/// A request that is in the folder.
#[derive(Clone, Copy)]
struct Entry {
    stage: Stage,
    bytes: u64,
    /// Of an answer, when it was complete; of what was set aside, when that was. The file's own time says so to the next server.
    since: SystemTime,
}

/// The folder, which is one process's.
#[derive(Debug)]
pub(in crate::wagi) struct Folder {
    path: PathBuf,
    /// How many bytes all files may have together.
    room: u64,
    state: Mutex<State>,
    /// It is locked as long as this is open.
    _lock: File,
}

#[derive(Default)]
struct State {
    requests: BTreeMap<Id, Entry>,
    used: u64,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("requests", &self.requests.len()).field("used", &self.used).finish()
    }
}

impl Folder {
    /// Opens the folder, or makes it, and removes what was never complete.
    pub(super) fn open(path: &Path, room: u64) -> io::Result<Arc<Self>> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            let message = "others may use this folder, too, and requests are private: chmod 700 makes it so";
            return Err(io::Error::new(ErrorKind::PermissionDenied, message));
        }
        let mut options = OpenOptions::new();
        let lock = options.create(true).write(true).truncate(false).mode(0o600).open(path.join(".lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another process has it open"),
            TryLockError::Error(error) => error,
        })?;
        let state = Mutex::new(State::read(path)?);
        Ok(Arc::new(Self { path: path.to_owned(), room, state, _lock: lock }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a request that is so far.
    pub(super) fn file(&self, id: Id, stage: Stage) -> PathBuf {
        self.path.join(name(id, stage))
    }

    /// The file of one that isn't, yet.
    pub(super) fn unfinished(&self, id: Id, stage: Stage) -> PathBuf {
        self.path.join(format!("{UNFINISHED}{}", name(id, stage)))
    }

    /// Makes a file of a request, which isn't complete. Says, too, whether there was nothing of the request before.
    pub(super) fn begin(&self, id: Id, stage: Stage) -> io::Result<(File, bool)> {
        let mut state = self.state();
        let is_new = !state.requests.contains_key(&id);
        if is_new && state.requests.len() >= MOST {
            return Err(io::Error::new(ErrorKind::StorageFull, format!("there are {MOST} requests already")));
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(self.unfinished(id, stage))?;
        if is_new {
            let entry = Entry { stage: Stage::InHand, bytes: 0, since: SystemTime::now() };
            state.requests.insert(id, entry);
        }
        Ok((file, is_new))
    }

    /// Takes room for more bytes.
    pub(super) fn take_room(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        let used = state.used.saturating_add(bytes);
        if used > self.room {
            let message = format!("all requests together may have {} bytes there", self.room);
            return Err(io::Error::new(ErrorKind::StorageFull, message));
        }
        state.used = used;
        Ok(())
    }

    /// A file of so many bytes is complete: it takes the place of what there was.
    pub(super) fn complete(&self, id: Id, stage: Stage, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        fs::rename(self.unfinished(id, stage), self.file(id, stage))?;
        // When this is done it survives a crash, and what was there before may go.
        if let Err(error) = File::open(&self.path).and_then(|folder| folder.sync_all()) {
            let _ = fs::remove_file(self.file(id, stage));
            return Err(error);
        }
        let entry = Entry { stage, bytes, since: SystemTime::now() };
        if let Some(before) = state.requests.insert(id, entry) {
            state.used -= before.bytes;
        }
        if stage == Stage::Answered {
            let _ = fs::remove_file(self.file(id, Stage::Waiting));
        }
        Ok(())
    }

    /// A file of so many bytes won't become complete.
    pub(super) fn give_up(&self, id: Id, stage: Stage, bytes: u64, is_new: bool) {
        let mut state = self.state();
        let _ = fs::remove_file(self.unfinished(id, stage));
        state.used -= bytes;
        if is_new {
            state.requests.remove(&id);
        }
    }

    /// The next request that waits, with its file. It is then in the caller's hand.
    pub(in crate::wagi) fn next(&self) -> Option<(Id, PathBuf)> {
        let mut state = self.state();
        let waiting = state.requests.iter_mut().find(|(_, entry)| entry.stage == Stage::Waiting);
        let (id, entry) = waiting?;
        entry.stage = Stage::InHand;
        Some((*id, self.file(*id, Stage::Waiting)))
    }

    /// A request can't go on here: its file gets another name.
    pub(in crate::wagi) fn set_aside(&self, id: Id) -> io::Result<()> {
        let mut state = self.state();
        let now = SystemTime::now();
        if let Some(entry) = state.requests.get_mut(&id) {
            (entry.stage, entry.since) = (Stage::SetAside, now);
        }
        let file = self.file(id, Stage::SetAside);
        fs::rename(self.file(id, Stage::Waiting), &file)?;
        // It may have waited for long, and its day begins here.
        OpenOptions::new().write(true).open(file)?.set_modified(now)
    }

    /// How far a request is; `None` if there is no such one.
    pub(super) fn stage(&self, id: Id) -> Option<Stage> {
        self.sweep();
        self.state().requests.get(&id).map(|entry| entry.stage)
    }

    /// An answer has been fetched.
    pub(super) fn fetched(&self, id: Id) {
        self.state().remove(&self.path, |other, entry| other == id && entry.stage == Stage::Answered);
    }

    /// Removes answers that nobody has fetched, and what was set aside, when their time is over. Says whether there is anything left.
    pub(in crate::wagi) fn sweep(&self) -> bool {
        let mut state = self.state();
        // Where the clock was set back, it waits longer.
        state.remove(&self.path, |_, entry| {
            let age = entry.since.elapsed();
            entry.stage.patience().is_some_and(|most| age.is_ok_and(|age| age >= most))
        });
        !state.requests.is_empty()
    }
}

impl State {
    /// What is in the folder.
    fn read(folder: &Path) -> io::Result<Self> {
        let mut state = Self::default();
        for file in fs::read_dir(folder)? {
            let file = file?;
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            // This doesn't follow links.
            let data = file.metadata()?;
            if !data.is_file() {
                continue;
            }
            if name.starts_with(UNFINISHED) {
                fs::remove_file(file.path())?;
                continue;
            }
            let Some((id, stage)) = parsed(name) else { continue };
            let since = data.modified().unwrap_or_else(|_| SystemTime::now());
            state.add(folder, id, Entry { stage, bytes: data.len(), since })?;
        }
        Ok(state)
    }

    fn add(&mut self, folder: &Path, id: Id, entry: Entry) -> io::Result<()> {
        let other = self.requests.get(&id).copied();
        let (stays, goes) = match other {
            // Whoever has answered hadn't the time to remove what was before.
            Some(other) if other.stage == Stage::Answered => (other, Some(entry)),
            other => (entry, other),
        };
        if let Some(goes) = goes {
            fs::remove_file(folder.join(name(id, goes.stage)))?;
            self.used -= other.map_or(0, |other| other.bytes);
        }
        self.used += stays.bytes;
        self.requests.insert(id, stays);
        Ok(())
    }

    /// Removes those for which this holds.
    fn remove(&mut self, folder: &Path, which: impl Fn(Id, &Entry) -> bool) {
        for (id, entry) in self.requests.extract_if(.., |id, entry| which(*id, entry)) {
            self.used -= entry.bytes;
            let _ = fs::remove_file(folder.join(name(id, entry.stage)));
        }
    }
}

fn name(id: Id, stage: Stage) -> String {
    format!("{id}.{}", stage.ending())
}

fn parsed(name: &str) -> Option<(Id, Stage)> {
    let (id, ending) = name.split_once('.')?;
    let (stage, _) = Stage::NAMED.iter().find(|(_, known)| *known == ending)?;
    Some((Id::parse(id)?, *stage))
}
