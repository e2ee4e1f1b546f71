//! `args_*`, `environ_*`, `proc_*`, `sched_yield`, and `random_get`.

use crate::WasiCtx;
use crate::errno::{Errno, Fail, Result};
use crate::guest::Guest;

/// The arguments or the environment.
struct Strings<'s>(&'s [String]);

impl Strings<'_> {
    /// How many there are, and the size of all, each with its NUL.
    fn sizes(&self) -> Result<(u32, u32), Errno> {
        let size: usize = self.0.iter().map(|string| string.len() + 1).sum();
        let number = |number: usize| u32::try_from(number).map_err(|_| Errno::OVERFLOW);
        Ok((number(self.0.len())?, number(size)?))
    }

    fn store_sizes(&self, guest: &mut Guest<'_>, count: u32, size: u32) -> Result {
        guest.check(size, 4)?;
        let sizes = self.sizes()?;
        guest.store_u32(count, sizes.0)?;
        Ok(guest.store_u32(size, sizes.1)?)
    }

    /// Stores the strings from `buf` on, and pointers to them from `pointers` on.
    fn store(&self, guest: &mut Guest<'_>, pointers: u32, buf: u32) -> Result {
        let (count, size) = self.sizes()?;
        guest.check(buf, size)?;
        guest.check(pointers, count.checked_mul(4).ok_or(Errno::OVERFLOW)?)?;
        let mut at = buf;
        for (index, string) in (0..).zip(self.0) {
            guest.store_u32(pointers + index * 4, at)?;
            guest.store(at, string.as_bytes())?;
            at += string.len() as u32;
            guest.store(at, &[0])?;
            at += 1;
        }
        Ok(())
    }
}

impl WasiCtx {
    pub(crate) fn args_sizes_get(&mut self, guest: &mut Guest<'_>, argc: u32, argv_buf_size: u32) -> Result {
        Strings(&self.args).store_sizes(guest, argc, argv_buf_size)
    }

    pub(crate) fn args_get(&mut self, guest: &mut Guest<'_>, argv: u32, argv_buf: u32) -> Result {
        Strings(&self.args).store(guest, argv, argv_buf)
    }

    pub(crate) fn environ_sizes_get(&mut self, guest: &mut Guest<'_>, count: u32, buf_size: u32) -> Result {
        Strings(&self.env).store_sizes(guest, count, buf_size)
    }

    pub(crate) fn environ_get(&mut self, guest: &mut Guest<'_>, environ: u32, environ_buf: u32) -> Result {
        Strings(&self.env).store(guest, environ, environ_buf)
    }

    pub(crate) fn proc_exit(&mut self, _: &mut Guest<'_>, code: u32) -> Result {
        Err(Fail::Exit(code.cast_signed()))
    }

    pub(crate) fn proc_raise(&mut self, _: &mut Guest<'_>, _signal: u32) -> Result {
        Err(Errno::NOTSUP.into())
    }

    pub(crate) fn sched_yield(&mut self, _: &mut Guest<'_>) -> Result {
        std::thread::yield_now();
        Ok(())
    }

    pub(crate) fn random_get(&mut self, guest: &mut Guest<'_>, buf: u32, buf_len: u32) -> Result {
        let interrupt = guest.interrupt;
        // The system makes some hundred megabytes a second, and a guest may ask for gigabytes.
        for chunk in guest.bytes_mut(buf, buf_len)?.chunks_mut(RANDOM_CHUNK as usize) {
            self.random.fill(chunk)?;
            interrupt.check()?;
        }
        Ok(())
    }
}

/// So much randomness comes without looking for an interruption.
pub(crate) const RANDOM_CHUNK: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::tests::{Sandbox, get_u32};

    #[test]
    fn arguments_and_environment() {
        let mut sandbox =
            Sandbox::with(WasiCtx::builder().args(&["prog", "", "a ü"]).env("K", "V=W").build());
        sandbox.call(|ctx, guest| ctx.args_sizes_get(guest, 0, 4)).unwrap();
        assert_eq!((get_u32(&sandbox.memory, 0), get_u32(&sandbox.memory, 4)), (3, 11));
        sandbox.call(|ctx, guest| ctx.args_get(guest, 16, 100)).unwrap();
        assert_eq!(&sandbox.memory[100..112], b"prog\0\0a \xc3\xbc\0\0");
        let pointers = [16, 20, 24].map(|at| get_u32(&sandbox.memory, at));
        assert_eq!(pointers, [100, 105, 106]);
        sandbox.call(|ctx, guest| ctx.environ_sizes_get(guest, 0, 4)).unwrap();
        assert_eq!((get_u32(&sandbox.memory, 0), get_u32(&sandbox.memory, 4)), (1, 6));
        sandbox.call(|ctx, guest| ctx.environ_get(guest, 16, 100)).unwrap();
        assert_eq!(&sandbox.memory[100..106], b"K=V=W\0");
    }

    #[test]
    fn nothing_is_stored_where_not_all_fits() {
        let mut sandbox = Sandbox::with(WasiCtx::builder().args(&["one", "two"]).build());
        let end = u32::try_from(sandbox.memory.len()).unwrap();
        let before = sandbox.memory.clone();
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.args_get(guest, 0, end - 7));
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.args_get(guest, end - 7, 0));
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.args_sizes_get(guest, 0, end - 3));
        assert!(sandbox.memory == before);
    }

    #[test]
    fn random_bytes() {
        let mut sandbox = Sandbox::new();
        sandbox.memory.resize(3 << 20, 0);
        let len = 3 << 20;
        sandbox.call(|ctx, guest| ctx.random_get(guest, 0, len)).unwrap();
        for chunk in sandbox.memory.chunks(1 << 10) {
            assert!(chunk.iter().any(|&byte| byte != 0));
        }
        sandbox.fails(Errno::FAULT, |ctx, guest| ctx.random_get(guest, 1, len));
        sandbox.interrupt();
        assert_eq!(sandbox.call(|ctx, guest| ctx.random_get(guest, 0, len)), Err(Fail::Interrupted));
    }

    #[test]
    fn the_rest() {
        let mut sandbox = Sandbox::new();
        assert_eq!(sandbox.call(|ctx, guest| ctx.proc_exit(guest, 300)), Err(Fail::Exit(300)));
        sandbox.fails(Errno::NOTSUP, |ctx, guest| ctx.proc_raise(guest, 6));
        assert_eq!(sandbox.call(|ctx, guest| ctx.sched_yield(guest)), Ok(()));
    }
}
