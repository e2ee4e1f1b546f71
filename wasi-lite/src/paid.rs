//! Memory that is paid for, and may be refused.

use crate::errno::Errno;
use dunlin::{Budget, Charge, Kind};

/// Makes room in `items` for `more`, which `paid` pays for: the budget of whoever asked first.
pub(crate) fn reserve<T>(
    items: &mut Vec<T>,
    paid: &mut Option<Charge>,
    budget: &Budget,
    more: usize,
) -> Result<(), Errno> {
    if items.capacity() - items.len() >= more {
        return Ok(());
    }
    let paid = match paid {
        Some(paid) => paid,
        None => paid.insert(budget.charge(Kind::Host, 0).map_err(|_| Errno::NOMEM)?),
    };
    // While they move, both the old and the new memory are held.
    let (old, new) = (paid.bytes(), ((items.len() + more) as u64).saturating_mul(size_of::<T>() as u64));
    paid.grow(new).map_err(|_| Errno::NOMEM)?;
    let reserved = items.try_reserve_exact(more);
    paid.shrink(if reserved.is_ok() { old } else { new });
    reserved.map_err(|_| Errno::NOMEM)
}

/// An empty list with room for `count`, which have been paid for.
pub(crate) fn list<T>(count: usize) -> Result<Vec<T>, Errno> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| Errno::NOMEM)?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_charged() {
        let budget = Budget::new(100);
        let (mut items, mut paid) = (Vec::<u32>::new(), None);
        reserve(&mut items, &mut paid, &budget, 3).unwrap();
        assert_eq!((budget.used(), items.capacity()), (12, 3));
        items.extend([1, 2, 3]);
        reserve(&mut items, &mut paid, &budget, 10).unwrap();
        assert_eq!((budget.used(), budget.peak(), items.capacity()), (52, 64, 13));
        reserve(&mut items, &mut paid, &budget, 10).unwrap();
        assert_eq!(budget.used(), 52, "there is room already");
        // 56 bytes more would do if the 52 weren't held until they are copied.
        assert_eq!(reserve(&mut items, &mut paid, &budget, 11), Err(Errno::NOMEM));
        assert_eq!(
            (budget.used(), budget.peak(), items.capacity(), &items[..]),
            (52, 64, 13, &[1, 2, 3][..])
        );
        drop((items, paid));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn just_enough_is_enough() {
        let budget = Budget::new(64);
        let (mut items, mut paid) = (vec![], None);
        reserve(&mut items, &mut paid, &budget, 3).unwrap();
        items.extend([1_u32, 2, 3]);
        reserve(&mut items, &mut paid, &budget, 10).unwrap();
        assert_eq!((budget.used(), budget.peak()), (52, 64));
        let budget = Budget::new(63);
        let (mut items, mut paid) = (vec![], None);
        reserve(&mut items, &mut paid, &budget, 3).unwrap();
        items.extend([1_u32, 2, 3]);
        assert_eq!(reserve(&mut items, &mut paid, &budget, 10), Err(Errno::NOMEM));
        assert_eq!((budget.used(), items.capacity()), (12, 3));
    }

    #[test]
    fn what_the_system_refuses_isnt_charged() {
        let budget = Budget::unlimited();
        let (mut items, mut paid) = (Vec::<u32>::new(), None);
        reserve(&mut items, &mut paid, &budget, 3).unwrap();
        // With 32 bits a system may have half of the address space, but no list is larger.
        let many = if cfg!(target_pointer_width = "32") { usize::MAX / 4 } else { usize::MAX / 8 };
        assert_eq!(reserve(&mut items, &mut paid, &budget, many), Err(Errno::NOMEM));
        assert_eq!((budget.used(), items.capacity()), (12, 3));
        assert!(budget.peak() >= many as u64 * 4, "the budget allowed it");
        assert_eq!(list::<u64>(usize::MAX / 4), Err(Errno::NOMEM));
    }
}
