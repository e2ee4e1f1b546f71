//! A Cortex-M: `cortex-m-rt` sets it up.

#[cortex_m_rt::entry]
fn main() -> ! {
    crate::start()
}
