//! What is kept on a guest's behalf, charged to a budget and bounded.

use super::headers::Headers;
use super::status::Status;
use dunlin::{Budget, Charge, Kind, OutOfBudget};

/// Something whose size a guest decides.
pub(super) trait Weight {
    /// The bytes that it takes.
    fn weight(&self) -> usize;
}

impl Weight for Vec<u8> {
    fn weight(&self) -> usize {
        self.len()
    }
}

impl Weight for Headers {
    fn weight(&self) -> usize {
        self.wire_len()
    }
}

/// A value with the charge for its bytes.
#[derive(Debug)]
pub(super) struct Held<T> {
    value: T,
    charge: Charge,
    limit: usize,
}

impl<T: Weight + Default> Held<T> {
    /// An empty one that may take up to `limit` bytes.
    pub(super) fn new(budget: &Budget, limit: usize) -> Result<Self, OutOfBudget> {
        Ok(Self { value: T::default(), charge: budget.charge(Kind::Host, 0)?, limit })
    }

    pub(super) fn get(&self) -> &T {
        &self.value
    }

    /// Changes the value, which takes at most `more` bytes more then.
    ///
    /// # Errors
    /// If that is over its limit or its budget; then it remains as it was.
    pub(super) fn edit(&mut self, more: usize, edit: impl FnOnce(&mut T)) -> Result<(), Status> {
        let held = self.value.weight();
        if more > 0 && held.checked_add(more).is_none_or(|sum| sum > self.limit) {
            return Err(Status::InternalFailure);
        }
        self.charge.grow(more as u64).map_err(|_| Status::InternalFailure)?;
        edit(&mut self.value);
        self.charge.shrink(self.charge.bytes().saturating_sub(self.value.weight() as u64));
        Ok(())
    }

    /// Takes the value away, and its bytes from the budget.
    pub(super) fn take(&mut self) -> T {
        self.charge.shrink(self.charge.bytes());
        std::mem::take(&mut self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_charged_and_bounded() {
        let budget = Budget::new(100);
        let mut held = Held::<Vec<u8>>::new(&budget, 80).unwrap();
        held.edit(60, |bytes| bytes.extend([0; 60])).unwrap();
        assert_eq!(budget.used(), 60);
        assert_eq!(held.edit(21, |_| panic!("over its limit")), Err(Status::InternalFailure));
        let other = budget.charge(Kind::Host, 30).unwrap();
        assert_eq!(held.edit(11, |_| panic!("over its budget")), Err(Status::InternalFailure));
        drop(other);
        held.edit(10, |bytes| bytes.truncate(20)).unwrap();
        assert_eq!(budget.used(), 20);
        assert_eq!(held.take(), [0; 20]);
        assert_eq!(budget.used(), 0);
    }
}
