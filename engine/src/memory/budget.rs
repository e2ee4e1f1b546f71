//! Memory budgets: the accounting of all memory that is held, and the only place that refuses it for being too much.
//!
//! Whoever allocates an amount that depends on its input [charges](Budget::charge) it first and keeps the
//! [`Charge`], which gives the amount back when it is dropped.

use super::error::{MemoryError, OutOfBudget};
use super::kind::Kind;
use super::shared::Shared;
use super::sort::sort_by_key;
use std::sync::atomic::{AtomicU64, Ordering};

/// A bound on memory, shared by everything that counts towards it.
///
/// Clones are the same budget. A [sub-budget](Budget::sub_budget) has a bound of its own and counts towards its parent:
///
/// ```
/// use dunlin::{Budget, Kind};
/// let gateway = Budget::new(64 << 20);
/// let tenant = gateway.sub_budget(8 << 20);
/// let held = tenant.charge(Kind::Host, 1 << 20)?;
/// assert_eq!((tenant.used(), gateway.used()), (1 << 20, 1 << 20));
/// assert!(tenant.charge(Kind::Host, 8 << 20).is_err());
/// # Ok::<(), dunlin::OutOfBudget>(())
/// ```
#[derive(Debug, Clone)]
pub struct Budget(Shared<BudgetInner>);

#[derive(Debug)]
struct BudgetInner {
    limit: u64,
    used: AtomicU64,
    peak: AtomicU64,
    kinds: [AtomicU64; Kind::ALL.len()],
    source: Source,
}

/// What the bytes of a budget are charged to in turn.
#[derive(Debug)]
enum Source {
    /// Nothing: it is a root.
    Root,
    /// To a parent, as they are charged here; with the charge for the budget object, if the engine made it.
    Parent(Budget, #[allow(dead_code, reason = "held until the budget is dropped")] Option<Charge>),
    /// They are charged to another budget in advance; with the charge for the budget object.
    #[allow(dead_code, reason = "held until the budget is dropped")]
    Prepaid(Charge, Charge),
}

impl Budget {
    /// A budget that counts but never refuses.
    pub fn unlimited() -> Budget {
        Budget::new(u64::MAX)
    }

    pub(crate) fn try_unlimited() -> Result<Budget, MemoryError> {
        Ok(Budget(Shared::try_new(Kind::Metadata, BudgetInner::new(u64::MAX, Source::Root))?))
    }

    /// A budget of `limit_bytes` bytes.
    pub fn new(limit_bytes: u64) -> Budget {
        Budget(Shared::new(BudgetInner::new(limit_bytes, Source::Root)))
    }

    /// A budget of `limit_bytes` bytes that draws on this one: what is charged to it counts in both, and must fit both.
    ///
    /// Its holders can't take more than its bound. What its bound leaves to others stays theirs, as long as the bounds
    /// of all the sub-budgets together aren't more than this one's.
    #[must_use]
    pub fn sub_budget(&self, limit_bytes: u64) -> Budget {
        Budget(Shared::new(BudgetInner::new(limit_bytes, Source::Parent(self.clone(), None))))
    }

    /// A budget without a bound of its own that draws on this one, to account for a part separately.
    pub(crate) fn try_part(&self) -> Result<Budget, MemoryError> {
        let own = self.charge(Kind::Metadata, Shared::<BudgetInner>::BYTES)?;
        let inner = BudgetInner::new(u64::MAX, Source::Parent(self.clone(), Some(own)));
        Ok(Budget(Shared::try_new(Kind::Metadata, inner)?))
    }

    /// The bytes of a prepaid budget itself.
    pub(crate) const PREPAID_BYTES: u64 = Shared::<BudgetInner>::BYTES;

    /// A budget whose bytes are charged in advance, by `charge`.
    pub(crate) fn prepaid(charge: Charge) -> Result<Budget, MemoryError> {
        let own = charge.budget.charge(Kind::Metadata, Self::PREPAID_BYTES)?;
        let inner = BudgetInner::new(charge.bytes, Source::Prepaid(charge, own));
        Ok(Budget(Shared::try_new(Kind::Metadata, inner)?))
    }

    /// Whether the other one is this budget (or a clone of it).
    pub fn same(&self, other: &Budget) -> bool {
        Shared::ptr_eq(&self.0, &other.0)
    }

    /// The budget that this one draws on, if it is a sub-budget.
    pub fn parent(&self) -> Option<&Budget> {
        match &self.0.source {
            Source::Parent(parent, _) => Some(parent),
            Source::Root | Source::Prepaid(..) => None,
        }
    }

    /// The bound, in bytes, if there is one.
    pub fn limit(&self) -> Option<u64> {
        (self.0.limit != u64::MAX).then_some(self.0.limit)
    }

    /// How many bytes could be charged now, of this budget and those it draws on; `None` if nothing bounds them.
    pub fn available(&self) -> Option<u64> {
        let here = self.limit().map(|limit| limit.saturating_sub(self.used()));
        let above = self.parent().and_then(Budget::available);
        match (here, above) {
            (Some(here), Some(above)) => Some(here.min(above)),
            (here, above) => here.or(above),
        }
    }

    /// The bytes held now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// The most bytes that were ever held at once.
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// The bytes held now for one kind of thing.
    pub fn used_for(&self, kind: Kind) -> u64 {
        self.0.kinds[kind as usize].load(Ordering::Relaxed)
    }

    /// The bytes held now, for each kind of thing that holds any.
    pub fn breakdown(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().map(|kind| (kind, self.used_for(kind))).filter(|(_, bytes)| *bytes > 0)
    }

    /// Takes `bytes` from the budget until the returned [`Charge`] is dropped.
    ///
    /// That is also how a host function accounts for what it keeps on a guest's behalf: charge first, as
    /// [`Kind::Host`], and keep the charge beside what was allocated.
    ///
    /// # Errors
    ///
    /// If that is more than is left.
    pub fn charge(&self, kind: Kind, bytes: u64) -> Result<Charge, OutOfBudget> {
        self.take(kind, bytes)?;
        Ok(Charge { budget: self.clone(), kind, bytes })
    }

    /// A charge of nothing yet, to be grown.
    pub(crate) fn nothing(&self, kind: Kind) -> Charge {
        Charge { budget: self.clone(), kind, bytes: 0 }
    }

    pub(crate) fn take(&self, kind: Kind, bytes: u64) -> Result<(), OutOfBudget> {
        let inner = &*self.0;
        let within = |used: u64| used.checked_add(bytes).filter(|total| *total <= inner.limit);
        // Relaxed: the counters synchronize nothing else, only the sum has to be right.
        match inner.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
            Ok(before) => {
                if let Some(parent) = self.parent() {
                    parent.take(kind, bytes).inspect_err(|_| {
                        inner.used.fetch_sub(bytes, Ordering::Relaxed);
                    })?;
                }
                inner.peak.fetch_max(before + bytes, Ordering::Relaxed);
                inner.kinds[kind as usize].fetch_add(bytes, Ordering::Relaxed);
                Ok(())
            }
            Err(used) => Err(self.refusal(kind, bytes, used)),
        }
    }

    #[cold]
    fn refusal(&self, kind: Kind, asked: u64, used: u64) -> OutOfBudget {
        let mut held = Kind::ALL.map(|kind| (kind, self.used_for(kind)));
        sort_by_key(&mut held, |(kind, bytes)| (std::cmp::Reverse(*bytes), *kind as u8));
        OutOfBudget { kind, asked, used, limit: self.0.limit, largest: [held[0], held[1], held[2]] }
    }

    pub(crate) fn give_back(&self, kind: Kind, bytes: u64) {
        let used = self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        let of_kind = self.0.kinds[kind as usize].fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(bytes <= used && bytes <= of_kind, "more is given back for {kind} than was taken");
        if let Some(parent) = self.parent() {
            parent.give_back(kind, bytes);
        }
    }
}

impl BudgetInner {
    fn new(limit: u64, source: Source) -> BudgetInner {
        BudgetInner {
            limit,
            used: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            kinds: std::array::from_fn(|_| AtomicU64::new(0)),
            source,
        }
    }
}

impl Drop for BudgetInner {
    /// A charge keeps its budget, so the last owner of a budget leaves nothing charged.
    fn drop(&mut self) {
        let charged =
            || Kind::ALL.into_iter().zip(&self.kinds).find(|(_, held)| held.load(Ordering::Relaxed) > 0);
        debug_assert!(
            std::thread::panicking() || (self.used.load(Ordering::Relaxed) == 0 && charged().is_none()),
            "a budget is dropped with {:?} bytes charged, some of them for {:?}",
            self.used,
            charged()
        );
    }
}

/// Bytes taken from a [`Budget`], given back on drop.
#[derive(Debug)]
#[must_use = "dropping a charge gives its bytes back"]
pub struct Charge {
    budget: Budget,
    kind: Kind,
    bytes: u64,
}

impl Charge {
    /// How many bytes are held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What they are held for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The budget that they are taken from.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Takes more bytes.
    ///
    /// # Errors
    ///
    /// If that is more than is left; what is held already stays held.
    pub fn grow(&mut self, more: u64) -> Result<(), OutOfBudget> {
        self.budget.take(self.kind, more)?;
        self.bytes += more;
        Ok(())
    }

    /// Gives some bytes back.
    ///
    /// # Panics
    ///
    /// In debug builds, if `less` is more than is held. In release builds all that is held is given back then.
    pub fn shrink(&mut self, less: u64) {
        debug_assert!(less <= self.bytes, "{less} bytes are given back of {} that are held", self.bytes);
        let less = less.min(self.bytes);
        self.bytes -= less;
        self.budget.give_back(self.kind, less);
    }

    /// Takes over what another charge of the same kind and budget holds.
    pub(crate) fn merge(&mut self, mut other: Charge) {
        debug_assert!(self.kind == other.kind && self.budget.same(&other.budget));
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(self.kind, self.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
