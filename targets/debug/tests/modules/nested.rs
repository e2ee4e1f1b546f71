// Names of Rust, and functions that are inlined in each other. Nothing of the standard library is linked, whose debug
// information would be most of the module's.
#![no_std]

pub mod inner {
    #[inline(always)]
    pub fn reciprocal(of: u32) -> u32 {
        match 1000u32.checked_div(of) {
            Some(quotient) => quotient,
            None => core::arch::wasm32::unreachable(),
        }
    }

    #[inline(always)]
    pub fn sum(of: u32) -> u32 {
        1 + reciprocal(of)
    }
}

pub trait Weigh {
    fn weigh(&self) -> u32;
}

impl Weigh for u32 {
    #[inline(never)]
    fn weigh(&self) -> u32 {
        inner::sum(*self) * 2
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn weight(of: u32) -> u32 {
    of.weigh() + 1
}
