//! What stops programs and keeps their requests.

use super::folder::{Folder, Stage};
use super::id::Id;
use super::kept::Kept;
use dunlin::{Budget, InterruptHandle, Kind, Linker, Store, SuspendedCall};
use dunlin_wasi_lite::WasiCtx;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Where requests go that are in flight when a server ends, and from where the next server takes them up.
///
/// A request is one file in a folder, which is one process's at a time: an instance as it stands, and what its program needs to go
/// on. It is there before the client is told, and stays until its answer is. Clones are the same.
#[derive(Clone, Debug)]
pub struct Drain(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: Arc<Folder>,
    running: Mutex<Running>,
}

#[derive(Default, Debug)]
struct Running {
    /// When it was told to begin.
    began: Option<Instant>,
    next: u64,
    /// What stops the programs that execute, each with its number.
    stores: Vec<(u64, InterruptHandle)>,
}

impl Drain {
    /// What paths of drained requests begin with, whatever routes a site has. A number follows that nobody guesses.
    pub const PATH: &'static str = "/.well-known/dunlin/drained/";

    /// Opens a folder, which is made if there is none, with `room` for so many bytes of requests and answers.
    ///
    /// # Errors
    ///
    /// If it can't be had, others than its owner may use it, or another process has it open.
    pub fn open(folder: &Path, room: u64) -> io::Result<Self> {
        let folder = Folder::open(folder, room)?;
        Ok(Self(Arc::new(Shared { folder, running: Mutex::default() })))
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::wagi) fn folder(&self) -> &Arc<Folder> {
        &self.0.folder
    }

    /// From now on, programs whose answer hasn't begun stop where they are, and their requests are kept in the folder.
    pub fn begin(&self) {
        let mut running = self.running();
        running.began.get_or_insert_with(Instant::now);
        for (_, store) in &running.stores {
            store.request_snapshot();
        }
    }

    /// When it began, if it has.
    pub(in crate::wagi) fn began(&self) -> Option<Instant> {
        self.running().began
    }

    /// As long as the result lives, a program executes in this store, which stops when draining begins.
    pub(in crate::wagi) fn attend(&self, store: InterruptHandle) -> Attended {
        let mut running = self.running();
        if running.began.is_some() {
            store.request_snapshot();
        }
        let number = running.next;
        running.next += 1;
        running.stores.push((number, store));
        Attended { drain: self.clone(), number }
    }

    /// Keeps a request whose program has stopped: a new one, or one that was taken up before. `budget` pays for what is written
    /// at once.
    pub(in crate::wagi) fn keep(
        &self,
        before: Option<Id>,
        kept: &Kept<'_>,
        call: &SuspendedCall,
        (store, linker): (&mut Store<WasiCtx>, &Linker<WasiCtx>),
        budget: &Budget,
    ) -> Result<Id, Box<dyn std::error::Error + Send + Sync>> {
        let _paid = budget.charge(Kind::Host, kept.len() as u64)?;
        let beside = kept.write().ok_or("there is too much beside its instance")?;
        let id = before.map_or_else(Id::random, Ok)?;
        let mut file = self.folder().write(id, Stage::Waiting)?;
        call.snapshot(store, linker, &beside, &mut file).map_err(dunlin::Error::into_boxed_dyn_error)?;
        file.finish()?;
        Ok(id)
    }
}

/// See [`Drain::attend`].
#[must_use]
pub(in crate::wagi) struct Attended {
    drain: Drain,
    number: u64,
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.drain.running().stores.retain(|(number, _)| *number != self.number);
    }
}

/// Where a client finds the answer to a drained request.
pub(super) fn location(id: Id) -> String {
    format!("{}{id}", Drain::PATH)
}
