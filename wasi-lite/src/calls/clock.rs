//! `clock_*`: what the clocks show.

use crate::WasiCtx;
use crate::errno::Result;
use crate::guest::Guest;

impl WasiCtx {
    pub(crate) fn clock_res_get(&mut self, guest: &mut Guest<'_>, id: u32, resolution: u32) -> Result {
        Ok(guest.store_u64(resolution, self.clocks.resolution(id)?)?)
    }

    pub(crate) fn clock_time_get(
        &mut self,
        guest: &mut Guest<'_>,
        id: u32,
        _precision: u64,
        time: u32,
    ) -> Result {
        Ok(guest.store_u64(time, self.clocks.now(id)?)?)
    }
}

#[cfg(test)]
mod tests {
    use crate::errno::Errno;
    use crate::tests::{Sandbox, get_u64};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    #[test]
    fn clocks_show_the_time() {
        let mut sandbox = Sandbox::new();
        let now = |sandbox: &mut Sandbox, id| {
            sandbox.call(|ctx, guest| ctx.clock_time_get(guest, id, 1, 8)).unwrap();
            Duration::from_nanos(get_u64(&sandbox.memory, 8))
        };
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let real = now(&mut sandbox, 0);
        assert!(real >= before && real < before + Duration::from_secs(60));
        let monotonic = now(&mut sandbox, 1);
        assert!(monotonic < Duration::from_secs(60), "starts with the context");
        std::thread::sleep(Duration::from_millis(2));
        assert!(now(&mut sandbox, 1) >= monotonic + Duration::from_millis(2));
        let cpu = now(&mut sandbox, 2);
        assert!(cpu > Duration::ZERO && cpu >= now(&mut sandbox, 3));
        for id in 0..4 {
            sandbox.call(|ctx, guest| ctx.clock_res_get(guest, id, 16)).unwrap();
            assert!((1..=1_000_000_000).contains(&get_u64(&sandbox.memory, 16)), "clock {id}");
        }
    }

    #[test]
    fn mistakes_are_reported() {
        let mut sandbox = Sandbox::new();
        let end = u32::try_from(sandbox.memory.len()).unwrap();
        sandbox.fails(Errno::INVAL, |ctx, guest| ctx.clock_time_get(guest, 4, 0, 0));
        sandbox.fails(Errno::INVAL, |ctx, guest| ctx.clock_res_get(guest, u32::MAX, 0));
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.clock_time_get(guest, 0, 0, end - 7));
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.clock_res_get(guest, 0, end));
    }
}
