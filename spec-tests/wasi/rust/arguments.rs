//! `args_*` and `environ_*`: prints what it is given.

#![no_std]
#![no_main]

mod guest;
use core::fmt::Write;
use guest::*;

fn print(what: &str, sizes: fn(u32, u32) -> u32, get: fn(u32, u32) -> u32, skipped: usize) {
    let (mut count, mut size) = (0_u32, 0_u32);
    is(sizes(at_mut(&mut count), at_mut(&mut size)), OK);
    is(sizes(NOWHERE, at_mut(&mut size)), FAULT);
    is(sizes(at_mut(&mut count), NOWHERE), FAULT);
    let (count, size) = (seen(&count) as usize, seen(&size) as usize);
    let (mut pointers, mut bytes) = ([0_u32; 20], [0xee_u8; 400]);
    yes(count < 20 && size < 400);
    is(get(at_mut(&mut pointers), at_mut(&mut bytes)), OK);
    let start = at(&bytes);
    let (pointers, bytes) = (seen(&pointers), seen(&bytes));
    is((bytes[size - 1], bytes[size]), (0, 0xee));
    for pointer in &pointers[skipped..count] {
        let string = bytes[(pointer - start) as usize..].split(|byte| *byte == 0).next().unwrap_or_default();
        let _ = writeln!(Stream(1), "{what} {}", core::str::from_utf8(string).unwrap_or("?"));
    }
    is(get(NOWHERE, at(&bytes)), FAULT);
    is(get(at(&pointers), NOWHERE), FAULT);
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // The first argument is the program's name, which a runner may choose.
    print("argument", args_sizes_get, args_get, 1);
    print("variable", environ_sizes_get, environ_get, 0);
}
