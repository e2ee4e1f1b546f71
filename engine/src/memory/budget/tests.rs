use super::*;
use alloc::string::ToString;
use alloc::vec::Vec;

#[test]
fn a_charge_gives_back_what_it_took() {
    let budget = Budget::new(100);
    let mut a = budget.charge(Kind::Data, 40).unwrap();
    let b = budget.charge(Kind::Names, 50).unwrap();
    assert_eq!((budget.used(), budget.peak()), (90, 90));
    let refused = budget.charge(Kind::Cells, 11).unwrap_err();
    assert_eq!((refused.kind, refused.asked, refused.used, refused.limit), (Kind::Cells, 11, 90, 100));
    assert_eq!(
        refused.to_string(),
        "memory budget of 100 bytes exceeded: translated code asked for 11 bytes with 90 in use \
         (function names: 50, data segments: 40)"
    );
    drop(b);
    a.grow(60).unwrap();
    assert!(a.grow(1).is_err());
    assert_eq!((a.bytes(), budget.used_for(Kind::Data)), (100, 100));
    a.shrink(70);
    assert_eq!(budget.used(), 30);
    drop(a);
    assert_eq!((budget.used(), budget.peak()), (0, 100));
}

#[test]
fn nothing_overflows() {
    let budget = Budget::unlimited();
    assert_eq!(budget.limit(), None);
    let most = budget.charge(Kind::Host, u64::MAX).unwrap();
    assert!(budget.charge(Kind::Host, 1).is_err());
    drop(most);
    assert_eq!(budget.used(), 0);
}

#[test]
fn merged_charges_are_given_back_once() {
    let budget = Budget::new(100);
    let mut a = budget.charge(Kind::Data, 40).unwrap();
    a.merge(budget.charge(Kind::Data, 2).unwrap());
    assert_eq!((a.bytes(), budget.used()), (42, 42));
    drop(a);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_sub_budget_draws_on_its_parent() {
    let parent = Budget::new(100);
    let (a, b) = (parent.sub_budget(60), parent.sub_budget(60));
    let held = a.charge(Kind::Data, 50).unwrap();
    assert_eq!((a.used(), parent.used(), b.used()), (50, 50, 0));
    assert_eq!((a.available(), b.available()), (Some(10), Some(50)));
    assert_eq!(a.charge(Kind::Names, 11).unwrap_err().limit, 60);
    assert_eq!(b.charge(Kind::Names, 51).unwrap_err().limit, 100);
    assert_eq!((b.used(), b.peak(), b.used_for(Kind::Names)), (0, 0, 0));
    drop(held);
    assert_eq!((a.used(), parent.used()), (0, 0));
    assert_eq!(Budget::unlimited().sub_budget(7).available(), Some(7));
    assert_eq!(parent.sub_budget(u64::MAX).available(), Some(100));
    assert_eq!(Budget::unlimited().available(), None);
}

#[test]
fn a_prepaid_budget_asks_nobody() {
    let parent = Budget::new(1000);
    let prepaid = Budget::prepaid(parent.charge(Kind::Cells, 100).unwrap()).unwrap();
    let used = parent.used();
    // What the budget takes itself is charged besides.
    assert_eq!(used, 100 + Budget::PREPAID_BYTES);
    let held = prepaid.charge(Kind::CompilerScratch, 100).unwrap();
    assert!(prepaid.charge(Kind::Cells, 1).is_err());
    assert_eq!((parent.used(), parent.used_for(Kind::Cells)), (used, 100));
    drop((held, prepaid));
    assert_eq!(parent.used(), 0);
}

#[test]
fn a_budget_of_the_engines_own_pays_for_itself() {
    let own = Budget::PREPAID_BYTES;
    assert!(own >= size_of::<BudgetInner>() as u64);
    let prepaid = |limit| {
        let parent = Budget::new(limit);
        let prepaid = Budget::prepaid(parent.charge(Kind::Cells, 100).unwrap());
        let used = parent.used();
        (prepaid.is_ok(), used)
    };
    assert_eq!([prepaid(100 + own), prepaid(99 + own)], [(true, 100 + own), (false, 0)]);
    let parent = Budget::new(own);
    let part = parent.try_part().unwrap();
    assert_eq!((parent.used(), part.available()), (own, Some(0)));
    assert!(parent.try_part().is_err());
    drop(part);
    assert_eq!(parent.used(), 0);
}

/// It is a mistake, and must not make room for others.
#[test]
fn no_more_is_given_back_than_is_held() {
    let budget = Budget::new(100);
    let _others = budget.charge(Kind::Data, 60).unwrap();
    let mut held = budget.charge(Kind::Data, 40).unwrap();
    let shrunk = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| held.shrink(41)));
    let kept = if cfg!(debug_assertions) { 40 } else { 0 };
    assert_eq!((shrunk.is_err(), held.bytes()), (kept > 0, kept));
    assert_eq!((budget.used(), budget.used_for(Kind::Data)), (60 + kept, 60 + kept));
    held.shrink(kept);
    drop(held);
    assert_eq!(budget.used(), 60);
}

#[test]
#[cfg(debug_assertions)]
fn a_leaked_charge_is_found() {
    let dropped_with = |bytes: u64, given_back: u64| {
        let budget = Budget::new(100);
        budget.take(Kind::Stack, bytes).unwrap();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            budget.give_back(Kind::Stack, given_back);
            drop(budget);
        }))
    };
    assert!(dropped_with(10, 10).is_ok());
    assert!(dropped_with(10, 9).is_err());
    assert!(dropped_with(10, 11).is_err());
}

#[test]
fn the_breakdown_is_the_sum() {
    let budget = Budget::unlimited();
    let held: Vec<_> = (1..).zip(Kind::ALL).map(|(i, kind)| budget.charge(kind, i)).collect();
    assert_eq!(budget.breakdown().map(|(_, bytes)| bytes).sum::<u64>(), budget.used());
    drop(held);
    assert_eq!(budget.breakdown().count(), 0);
}

#[test]
fn threads_never_get_more_than_there_is() {
    let budget = Budget::new(1000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mine = budget.sub_budget(400);
                for i in 0..20_000 {
                    let _held = mine.charge(Kind::Host, i % 400);
                    assert!(budget.used() <= 1000 && mine.used() <= 400);
                }
            });
        }
    });
    assert_eq!(budget.used(), 0);
    assert!(budget.peak() <= 1000);
}
