//! Budgets: what memory may be had.

use crate::boundary::{c_types, exports};
use crate::error::Outcome;
use crate::failure::Failure;
use crate::own::try_box;
use crate::pointers::{Out, Require};
use dunlin::{Budget, Charge, Kind};

/// A budget, or a part of one.
pub struct dunlin_budget_t(pub(crate) Budget);

/// Memory of C's that a budget pays for.
pub struct dunlin_charge_t {
    _charge: Charge,
}

c_types! {
    dunlin_budget_t = "dunlin_budget_t";
    dunlin_charge_t = "dunlin_charge_t";
}

exports! {
    fn dunlin_budget_new(limit: u64) -> Option<Box<dunlin_budget_t>> {
        try_box(dunlin_budget_t(Budget::new(limit)))
    }

    fn dunlin_budget_new_sub(parent: Option<&dunlin_budget_t>, limit: u64) -> Option<Box<dunlin_budget_t>> {
        try_box(dunlin_budget_t(parent?.0.sub_budget(limit)))
    }

    fn dunlin_budget_copy(budget: Option<&dunlin_budget_t>) -> Option<Box<dunlin_budget_t>> {
        try_box(dunlin_budget_t(budget?.0.clone()))
    }

    fn dunlin_budget_delete(budget: Option<Box<dunlin_budget_t>>) {
        drop(budget);
    }

    fn dunlin_budget_limit(budget: Option<&dunlin_budget_t>) -> u64 {
        budget.and_then(|budget| budget.0.limit()).unwrap_or(u64::MAX)
    }

    fn dunlin_budget_available(budget: Option<&dunlin_budget_t>) -> u64 {
        budget.and_then(|budget| budget.0.available()).unwrap_or(u64::MAX)
    }

    fn dunlin_budget_used(budget: Option<&dunlin_budget_t>) -> u64 {
        budget.map_or(0, |budget| budget.0.used())
    }

    fn dunlin_budget_peak(budget: Option<&dunlin_budget_t>) -> u64 {
        budget.map_or(0, |budget| budget.0.peak())
    }

    fn dunlin_budget_charge(
        budget: Option<&dunlin_budget_t>,
        bytes: u64,
        out: Out<'_, Option<Box<dunlin_charge_t>>>,
    ) -> Outcome {
        let (budget, out) = (budget.require()?, out.cleared()?);
        let charge = budget.0.charge(Kind::Host, bytes)?;
        *out = Some(try_box(dunlin_charge_t { _charge: charge }).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_charge_delete(charge: Option<Box<dunlin_charge_t>>) {
        drop(charge);
    }
}
