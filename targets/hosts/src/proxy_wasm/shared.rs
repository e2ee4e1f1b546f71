//! What VMs share: data by key, and queues.

use super::status::Status;
use dunlin::{Budget, Charge, Kind};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What VMs share, on all threads: data by key, and queues. Plugins see the data of those with the same VM identifier;
/// a queue is found by its VM identifier and its name. Clones are the same.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Kept>>);

/// What an entry takes beyond its bytes, about.
const ENTRY: usize = 64;

struct Kept {
    charge: Charge,
    limit: usize,
    /// By VM identifier and key.
    data: HashMap<(Arc<str>, Vec<u8>), Datum>,
    next_cas: u32,
    /// By VM identifier and name.
    tokens: HashMap<(Vec<u8>, Vec<u8>), u32>,
    queues: BTreeMap<u32, Queue>,
}

struct Datum {
    value: Vec<u8>,
    cas: u32,
}

/// One queue. The VM that registered it last is told of what is put in.
struct Queue {
    owner: Owner,
    items: VecDeque<Vec<u8>>,
    /// How many items the owner hasn't been told of.
    untold: usize,
}

/// The root context of a VM: the VM's number, and the context's.
pub(super) type Owner = (u64, u32);

impl Shared {
    /// Nothing yet; it may keep up to `limit` bytes of the budget.
    ///
    /// # Errors
    /// If the budget has no room.
    pub fn new(budget: &Budget, limit: usize) -> Result<Self, dunlin::Error> {
        Ok(Self(Arc::new(Mutex::new(Kept {
            charge: budget.charge(Kind::Host, 0)?,
            limit,
            data: HashMap::new(),
            next_cas: 1,
            tokens: HashMap::new(),
            queues: BTreeMap::new(),
        }))))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A value, and what `set` has to be given to replace just this one.
    pub(super) fn get(&self, vm: &Arc<str>, key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        let kept = self.kept();
        let datum = kept.data.get(&(vm.clone(), key.to_vec())).ok_or(Status::NotFound)?;
        Ok((datum.value.clone(), datum.cas))
    }

    /// Keeps a value, unless another one was set since `cas` was given; 0 replaces any.
    pub(super) fn set(&self, vm: &Arc<str>, key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
        let kept = &mut *self.kept();
        let place = (vm.clone(), key.to_vec());
        let old = kept.data.get(&place);
        if old.is_some_and(|old| cas != 0 && cas != old.cas) {
            return Err(Status::CasMismatch);
        }
        let weight = |value: usize| key.len() + value + ENTRY;
        let old = old.map_or(0, |old| weight(old.value.len()));
        kept.take(weight(value.len()))?;
        kept.charge.shrink(old as u64);
        let cas = kept.next_cas;
        kept.next_cas = cas.checked_add(1).unwrap_or(1);
        kept.data.insert(place, Datum { value: value.to_vec(), cas });
        Ok(())
    }

    /// The queue of that name, whose owner is told from now on.
    pub(super) fn register(&self, vm: &[u8], name: &[u8], owner: Owner) -> Result<u32, Status> {
        let kept = &mut *self.kept();
        let place = (vm.to_vec(), name.to_vec());
        if let Some(token) = kept.tokens.get(&place) {
            if let Some(queue) = kept.queues.get_mut(token) {
                queue.owner = owner;
            }
            return Ok(*token);
        }
        kept.take(vm.len() + name.len() + 2 * ENTRY)?;
        let token = kept.tokens.len() as u32 + 1;
        kept.tokens.insert(place, token);
        kept.queues.insert(token, Queue { owner, items: VecDeque::new(), untold: 0 });
        Ok(token)
    }

    pub(super) fn resolve(&self, vm: &[u8], name: &[u8]) -> Result<u32, Status> {
        self.kept().tokens.get(&(vm.to_vec(), name.to_vec())).copied().ok_or(Status::NotFound)
    }

    pub(super) fn enqueue(&self, token: u32, item: &[u8]) -> Result<(), Status> {
        let kept = &mut *self.kept();
        if !kept.queues.contains_key(&token) {
            return Err(Status::NotFound);
        }
        kept.take(item.len() + ENTRY)?;
        if let Some(queue) = kept.queues.get_mut(&token) {
            queue.items.push_back(item.to_vec());
            queue.untold += 1;
        }
        Ok(())
    }

    pub(super) fn dequeue(&self, token: u32) -> Result<Vec<u8>, Status> {
        let kept = &mut *self.kept();
        let queue = kept.queues.get_mut(&token).ok_or(Status::NotFound)?;
        let item = queue.items.pop_front().ok_or(Status::Empty)?;
        kept.charge.shrink((item.len() + ENTRY) as u64);
        Ok(item)
    }

    /// The queues of this VM into which something was put since this was asked last: the context to be told, and the
    /// queue, once for each item.
    pub(super) fn ready(&self, vm: u64) -> Vec<(u32, u32)> {
        let mut ready = Vec::new();
        for (token, queue) in &mut self.kept().queues {
            if queue.owner.0 == vm {
                let untold = std::mem::take(&mut queue.untold).min(queue.items.len());
                ready.extend(std::iter::repeat_n((queue.owner.1, *token), untold));
            }
        }
        ready
    }
}

impl Kept {
    fn take(&mut self, bytes: usize) -> Result<(), Status> {
        if self.charge.bytes() as usize + bytes > self.limit {
            return Err(Status::InternalFailure);
        }
        self.charge.grow(bytes as u64).map_err(|_| Status::InternalFailure)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept();
        f.debug_struct("Shared")
            .field("bytes", &kept.charge.bytes())
            .field("data", &kept.data.len())
            .field("queues", &kept.queues.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(limit: usize) -> (Budget, Shared) {
        let budget = Budget::new(1 << 20);
        let shared = Shared::new(&budget, limit).unwrap();
        (budget, shared)
    }

    #[test]
    fn data_is_compared_and_swapped() {
        let (_, shared) = shared(1 << 16);
        let (a, b) = (Arc::from("a"), Arc::from("b"));
        assert_eq!(shared.get(&a, b"k"), Err(Status::NotFound));
        shared.set(&a, b"k", b"1", 0).unwrap();
        let (_, first) = shared.get(&a, b"k").unwrap();
        shared.set(&a, b"k", b"2", first).unwrap();
        assert_eq!(shared.set(&a, b"k", b"3", first), Err(Status::CasMismatch));
        assert_eq!(shared.get(&a, b"k").unwrap().0, b"2");
        assert_eq!(shared.get(&b, b"k"), Err(Status::NotFound));
    }

    #[test]
    fn queues_tell_their_owner() {
        let (_, shared) = shared(1 << 16);
        assert_eq!(shared.resolve(b"vm", b"q"), Err(Status::NotFound));
        let token = shared.register(b"vm", b"q", (7, 1)).unwrap();
        assert_eq!(shared.resolve(b"vm", b"q"), Ok(token));
        shared.enqueue(token, b"1").unwrap();
        shared.enqueue(token, b"2").unwrap();
        assert_eq!((shared.ready(8), shared.ready(7)), (vec![], vec![(1, token); 2]));
        assert_eq!(shared.ready(7), []);
        assert_eq!(shared.dequeue(token).unwrap(), b"1");
        assert_eq!(shared.register(b"vm", b"q", (9, 2)), Ok(token));
        shared.enqueue(token, b"3").unwrap();
        assert_eq!(shared.ready(9), [(2, token)]);
        assert_eq!(shared.dequeue(token).unwrap(), b"2");
        assert_eq!(shared.dequeue(token).unwrap(), b"3");
        assert_eq!(shared.dequeue(token), Err(Status::Empty));
        assert_eq!(
            (shared.dequeue(99), shared.enqueue(99, b"")),
            (Err(Status::NotFound), Err(Status::NotFound))
        );
    }

    #[test]
    fn what_is_kept_is_charged_and_bounded() {
        let (budget, shared) = shared(1000);
        let vm = Arc::from("vm");
        let before = budget.used();
        shared.set(&vm, b"k", &[0; 500], 0).unwrap();
        assert_eq!(budget.used() - before, (500 + 1 + ENTRY) as u64);
        assert_eq!(shared.set(&vm, b"l", &[0; 500], 0), Err(Status::InternalFailure));
        shared.set(&vm, b"k", b"", 0).unwrap();
        let token = shared.register(b"vm", b"q", (1, 1)).unwrap();
        let used = budget.used();
        let fitting = (0..100).take_while(|_| shared.enqueue(token, &[0; 100]).is_ok()).count();
        assert_eq!(fitting, 4);
        while shared.dequeue(token).is_ok() {}
        assert_eq!(budget.used(), used);
        drop(shared);
        assert_eq!(budget.used(), before);
    }
}
