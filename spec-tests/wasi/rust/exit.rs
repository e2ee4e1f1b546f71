//! `proc_exit`: echoes its input and ends with 13.

#![no_std]
#![no_main]

mod guest;
use guest::*;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut buf = [0; 5];
    loop {
        let count = read(0, &mut buf) as usize;
        if count == 0 {
            exit(13);
        }
        is(write(1, &buf[..count]) as usize, count);
    }
}
