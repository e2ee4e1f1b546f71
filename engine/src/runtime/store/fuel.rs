//! Fuel, and the slices that it is given out in: at the end of each, the interrupt flag is checked.

use super::StoreInner;
use crate::runtime::profile::{Profile, Profiler};
use crate::runtime::tier::Tier;
use crate::{Error, Trap};
use core::num::NonZeroU64;

/// The most fuel that is used between two checks of the interrupt flag.
const SLICE: u64 = 100_000;

/// The fuel that the interpreter uses in the time that entering or leaving compiled code takes, roughly.
const CROSSING: u64 = 250;

/// The fuel apart from the current slice (`VmStore::slice`).
pub(crate) struct FuelState {
    /// Whether fuel is counted at all.
    pub(crate) enabled: bool,
    reserve: u64,
    /// After how much of it an asynchronous call yields, if it does; and what was taken from slices since it did, up to the
    /// last accounting.
    yield_interval: Option<NonZeroU64>,
    unyielded: u64,
    /// The slice when it was last set or accounted for here.
    slice: i64,
    /// What was taken from slices up to then, since the last sample of a profile. Modulo 2^64: a sample may count fuel
    /// that is about to be taken.
    used: u64,
    /// What was taken from slices up to then, since the last hotness sample.
    unsampled: u64,
    /// The longest slice when no profile is being made, and the longest one now.
    usual: u64,
    longest: u64,
    /// The state of the random numbers (xorshift) for slices of varying length.
    random: u64,
}

impl FuelState {
    /// If there is a tier, it sets the length of slices.
    pub(crate) fn new(enabled: bool, tier: Option<&dyn Tier>) -> Self {
        let usual = tier.map_or(SLICE, |tier| tier.slice().clamp(1, SLICE));
        // Any seed but 0 will do.
        Self {
            enabled,
            reserve: 0,
            yield_interval: None,
            unyielded: 0,
            slice: 0,
            used: 0,
            unsampled: 0,
            usual,
            longest: usual,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl StoreInner {
    pub(crate) fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.fuel_enabled()?;
        #[cfg(feature = "record")]
        self.tell_of_fuel(fuel);
        // The next charge refills the slice from it.
        self.put_slice(0);
        self.fuel.reserve = fuel;
        Ok(())
    }

    pub(crate) fn get_fuel(&self) -> Result<u64, Error> {
        self.fuel_enabled()?;
        Ok(self.remaining())
    }

    pub(crate) fn set_yield_interval(&mut self, interval: Option<u64>) -> Result<(), Error> {
        self.fuel_enabled()?;
        if interval == Some(0) {
            return Err(Error::msg("the interval between two yields must be more than 0 units of fuel"));
        }
        self.fuel.yield_interval = interval.and_then(NonZeroU64::new);
        self.fuel.unyielded = 0;
        // The next charge begins a slice that is short enough.
        self.fuel.reserve = self.remaining();
        self.put_slice(0);
        Ok(())
    }

    /// How much may be used before the call has to yield, if it can.
    fn until_yield(&mut self) -> u64 {
        match self.fuel.yield_interval {
            Some(interval) if self.may_wait() => {
                self.put_slice(self.vm.slice.max(0) as u64);
                interval.get().saturating_sub(self.fuel.unyielded)
            }
            _ => u64::MAX,
        }
    }

    fn fuel_enabled(&self) -> Result<(), Error> {
        if self.fuel.enabled {
            Ok(())
        } else {
            Err(Error::msg("fuel is not counted: switch it on with Config::consume_fuel(true)"))
        }
    }

    fn remaining(&self) -> u64 {
        self.fuel.reserve.saturating_add(self.vm.slice.max(0) as u64)
    }

    /// Accounts for what was taken from the slice, and replaces it.
    fn put_slice(&mut self, slice: u64) {
        let fuel = &mut self.fuel;
        let taken = fuel.slice.wrapping_sub(self.vm.slice);
        fuel.used = fuel.used.wrapping_add(taken as u64);
        fuel.unsampled = fuel.unsampled.saturating_add(taken.max(0) as u64);
        fuel.unyielded = fuel.unyielded.saturating_add(taken.max(0) as u64);
        self.vm.slice = slice as i64;
        fuel.slice = self.vm.slice;
    }

    /// The length of the next slice.
    fn next_slice(&mut self) -> u64 {
        if self.watch.is_some() {
            return 0;
        }
        let fuel = &mut self.fuel;
        if self.profiler.is_none() {
            return fuel.longest;
        }
        // Random lengths, since samples at equal intervals might always fall at the same point of a long loop.
        fuel.random ^= fuel.random << 13;
        fuel.random ^= fuel.random >> 7;
        fuel.random ^= fuel.random << 17;
        let least = fuel.longest / 2;
        least + fuel.random % (fuel.longest - least + 1)
    }

    /// Begins a profile, with a sample at least every `every` units.
    pub(crate) fn begin_profile(&mut self, every: u64) {
        self.profiler = Some(Profiler::new(&self.budget));
        self.fuel.longest = every.clamp(1, self.fuel.usual);
        self.fuel.reserve = self.remaining();
        self.put_slice(0);
        self.fuel.used = 0;
    }

    /// Ends the profile.
    pub(crate) fn take_profile(&mut self) -> Option<Profile> {
        let profiler = self.profiler.take()?;
        self.fuel.longest = self.fuel.usual;
        Some(profiler.finish(self.sampled(0)))
    }

    /// Whether a whole slice was used since the last hotness sample, with `cost`, which is about to be taken from the
    /// new slice. A slice that was cut short, or was empty from the beginning, says nothing of where time is spent.
    pub(crate) fn is_hotness_due(&mut self, cost: u64) -> bool {
        let fuel = &mut self.fuel;
        let due = fuel.unsampled.saturating_add(cost) >= fuel.usual;
        if due {
            // What one long instruction has used counts once.
            fuel.unsampled = fuel.unsampled.saturating_sub(fuel.usual).min(fuel.usual);
        }
        due
    }

    /// The same, after a crossing between interpreted and compiled code, which takes time but no fuel.
    pub(crate) fn is_hotness_due_by_crossing(&mut self) -> bool {
        self.fuel.unsampled = self.fuel.unsampled.saturating_add(CROSSING);
        self.is_hotness_due(0)
    }

    /// The fuel used since this was last called, including `cost`, which is about to be taken from the slice.
    pub(crate) fn sampled(&mut self, cost: u64) -> u64 {
        self.put_slice(self.vm.slice.max(0) as u64);
        let used = self.fuel.used.wrapping_add(cost);
        self.fuel.used = cost.wrapping_neg();
        used
    }

    /// Makes the slice cover `cost`, which the caller then takes from it.
    ///
    /// Fails, leaving the fuel as it is, if there is less, or if an interruption is pending (whose flag is cleared).
    #[cold]
    pub(crate) fn refill(&mut self, cost: u64) -> Result<(), Trap> {
        if self.interrupt.take() {
            return Err(Trap::Interrupt);
        }
        let until_yield = self.until_yield();
        if until_yield == 0 {
            self.fuel.unyielded = 0;
            self.asynchronous.yields = true;
            return Err(Trap::Interrupt);
        }
        let wanted = cost.max(self.next_slice().min(until_yield)).min(i64::MAX as u64);
        if !self.fuel.enabled {
            self.put_slice(wanted);
            return Ok(());
        }
        let remaining = self.remaining();
        if cost > remaining.min(i64::MAX as u64) {
            return Err(Trap::OutOfFuel);
        }
        let slice = wanted.min(remaining);
        self.fuel.reserve = remaining - slice;
        self.put_slice(slice);
        Ok(())
    }

    /// Shortens the slice to `cost`, which is about to be taken from it. Returns the usual length of slices.
    pub(crate) fn shorten_slice(&mut self, cost: u64) -> u64 {
        let over = (self.vm.slice.max(0) as u64).saturating_sub(cost);
        if self.fuel.enabled {
            self.fuel.reserve += over;
        }
        self.put_slice(self.vm.slice as u64 - over);
        self.fuel.longest
    }

    /// Charges `units` for work that has been done: what is left, if there is less.
    pub(crate) fn charge_afterwards(&mut self, units: u64) {
        if !self.fuel.enabled {
            self.vm.slice = self.vm.slice.saturating_sub_unsigned(units).max(0);
            return;
        }
        let left = self.remaining().saturating_sub(units);
        let slice = left.min(self.vm.slice.max(0) as u64);
        self.fuel.reserve = left - slice;
        self.put_slice(slice);
    }

    /// Charges `units` for a bulk operation.
    pub(crate) fn charge_bulk(&mut self, units: u64) -> Result<(), Trap> {
        if self.vm.slice < 0 || (self.vm.slice as u64) < units {
            self.refill(units)?;
        }
        // After a refill, the slice holds at least `min(units, i64::MAX)`.
        self.vm.slice -= units.min(i64::MAX as u64) as i64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AsContextMut, Config, Engine, Store};

    /// Charges as cells do.
    fn charge(store: &mut StoreInner, cost: i64) -> Result<(), Trap> {
        if store.vm.slice < cost {
            store.refill(cost as u64)?;
        }
        store.vm.slice -= cost;
        Ok(())
    }

    #[test]
    fn fuel_is_exact_across_slices() {
        let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
        let mut store = Store::new(&engine, ());
        let mut context = store.as_context_mut();
        let store = context.inner_mut();
        assert_eq!(charge(store, 1), Err(Trap::OutOfFuel));
        store.set_fuel(250_000).unwrap();
        let mut left = 250_000;
        for cost in [1, 99_999, 100_000, 49_990] {
            charge(store, cost).unwrap();
            left -= cost as u64;
            assert_eq!(store.get_fuel().unwrap(), left);
        }
        assert_eq!(charge(store, 11), Err(Trap::OutOfFuel));
        assert_eq!(store.get_fuel().unwrap(), 10);
        charge(store, 10).unwrap();
        assert_eq!(store.get_fuel().unwrap(), 0);

        store.set_fuel(u64::MAX).unwrap();
        charge(store, 5_000_000).unwrap();
        assert_eq!(store.get_fuel().unwrap(), u64::MAX - 5_000_000);
        assert_eq!(store.charge_bulk(u64::MAX), Err(Trap::OutOfFuel));
        store.charge_bulk(1 << 40).unwrap();
        assert_eq!(store.get_fuel().unwrap(), u64::MAX - 5_000_000 - (1 << 40));
    }

    #[test]
    fn without_fuel_only_interruptions_stop() {
        let mut store = Store::new(&Engine::default(), ());
        let handle = store.interrupt_handle();
        let mut context = store.as_context_mut();
        let store = context.inner_mut();
        for _ in 0..5 {
            charge(store, 60_000).unwrap();
        }
        charge(store, i64::MAX).unwrap();
        store.charge_bulk(u64::MAX).unwrap();
        handle.interrupt();
        assert_eq!(charge(store, 1), Err(Trap::Interrupt));
        charge(store, 1).unwrap();
    }
}
