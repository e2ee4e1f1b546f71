//! Actors, and their instances.

use super::messages::{HttpRequest, PubMessage};
use super::older::Dialect;
use super::token::Claims;
use crate::wapc::{CallError, Guest, Instance, Task};
use dunlin::{Error, Kind};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An actor whose token held when it was taken.
pub struct Actor {
    guest: Guest,
    claims: Arc<Claims>,
    dialect: Dialect,
    memory: u64,
    most: usize,
    pool: Mutex<Pool>,
}

/// Instances, most of which wait for the next call.
#[derive(Default)]
struct Pool {
    idle: Vec<Instance>,
    /// With those that are at work.
    count: usize,
}

impl Actor {
    /// An actor of whose instances each may take so much memory, and of which there may be so many.
    pub(super) fn new(guest: Guest, claims: Arc<Claims>, dialect: Dialect, memory: u64, most: usize) -> Self {
        Self { guest, claims, dialect, memory, most, pool: Mutex::default() }
    }

    /// What its token says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Whether it claims a capability, by today's contract.
    pub(super) fn may(&self, contract: &str) -> bool {
        self.dialect.claims(&self.claims, contract)
    }

    /// Has it answer a request.
    pub(super) fn answer(&self, request: &HttpRequest, task: &mut Task) -> Result<Vec<u8>, CallError> {
        let (operation, message) = self.dialect.request(request).map_err(CallError::Guest)?;
        self.call(operation, &message, task)
    }

    /// Has it handle a message.
    pub(super) fn handle(&self, message: &PubMessage, task: &mut Task) -> Result<(), CallError> {
        let (operation, payload) = self.dialect.message(message).map_err(CallError::Guest)?;
        let charge = self.guest.module().engine().budget().charge(Kind::Host, payload.len() as u64);
        let _charge = charge.map_err(Error::from)?;
        self.call(operation, &payload, task).map(drop)
    }

    /// Whether others call it so: by its key or its alias.
    pub(super) fn is(&self, name: &str) -> bool {
        self.claims.subject == name || self.claims.wascap.call_alias.as_deref() == Some(name)
    }

    /// Calls it, on an instance that is idle or a new one. An instance keeps its memory from call to call, until it
    /// fails.
    ///
    /// # Errors
    ///
    /// If it fails, says that it does, or as many instances as there may be are at work.
    pub fn call(&self, operation: &str, message: &[u8], task: &mut Task) -> Result<Vec<u8>, CallError> {
        let mut place = self.place()?;
        let mut instance = match place.0.take() {
            Some(instance) => instance,
            None => {
                let budget = self.guest.module().engine().budget().sub_budget(self.memory);
                self.guest.instantiate(task, &budget)?
            }
        };
        let result = instance.call(operation, message, task);
        if !matches!(result, Err(CallError::Failed(_))) {
            place.0 = Some(instance);
        }
        result
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for an instance, with one in it if one is idle.
    fn place(&self) -> Result<Place<'_>, Error> {
        let mut pool = self.pool();
        let instance = pool.idle.pop();
        if instance.is_none() {
            if pool.count >= self.most {
                return Err(Error::msg(format_args!(
                    "all {} instances of {} are at work",
                    self.most,
                    self.claims.name()
                )));
            }
            pool.count += 1;
        }
        Ok(Place(instance, self))
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// A place for an instance, which is given back with the instance in it or without.
struct Place<'a>(Option<Instance>, &'a Actor);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut pool = self.1.pool();
        match self.0.take() {
            Some(instance) => pool.idle.push(instance),
            None => pool.count -= 1,
        }
    }
}
