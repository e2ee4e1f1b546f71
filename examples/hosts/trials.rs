//! What a server must cope with: a WASI command that does what its path says. The tests of `dunlin serve` call it.

use std::env::{args, var, vars};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, process, thread};

/// Another request must not see what this one leaves here.
static SEEN: AtomicU32 = AtomicU32::new(0);

fn main() -> io::Result<()> {
    let path = var("PATH_INFO").unwrap_or_default();
    match path.as_str() {
        "/env" => answer(&vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>()),
        "/args" => answer(&args().map(|arg| arg + "\n").collect::<String>()),
        "/echo" => {
            let mut body = Vec::new();
            io::stdin().read_to_end(&mut body)?;
            print!("content-type: application/octet-stream\n\n");
            io::stdout().write_all(&body)
        }
        "/trap" => {
            eprintln!("the guest's secret");
            let zero = SEEN.load(Ordering::Relaxed);
            answer(&(7 / std::hint::black_box(zero)).to_string())
        }
        "/printed-trap" => {
            answer("all is well")?;
            process::abort()
        }
        "/loop" => loop {
            SEEN.fetch_add(1, Ordering::Relaxed);
        },
        "/sleep" => {
            thread::sleep(Duration::from_secs(3600));
            answer("awake")
        }
        "/grow" => answer(&format!("{} bytes", grow())),
        "/grow-and-die" => {
            let mut all = Vec::new();
            loop {
                all.push(vec![1_u8; 1 << 20]);
            }
        }
        "/flood" => {
            print!("content-type: text/plain\n\n");
            loop {
                io::stdout().write_all(&[b'x'; 4096])?;
            }
        }
        "/drip" => {
            print!("content-type: text/plain\n\n");
            for i in 0..5 {
                println!("{i}");
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        "/large" => answer(&"0123456789abcdef".repeat(1 << 16)),
        "/exit" => process::exit(3),
        "/exit-well" => {
            answer("done")?;
            process::exit(0)
        }
        "/nothing" => Ok(()),
        "/headers" => {
            for i in 0..10_000 {
                println!("x-header-{i}: {i}");
            }
            answer("never")
        }
        "/status" => write!(io::stdout(), "status: {}\ncontent-type: text/plain\n\nas asked", query()),
        "/location" => write!(io::stdout(), "location: /elsewhere\n\n"),
        "/log" => {
            for i in 0..3 {
                eprintln!("line {i}");
            }
            answer("logged")
        }
        "/count" => answer(&(SEEN.fetch_add(1, Ordering::Relaxed) + 1).to_string()),
        "/leave" => leave(),
        "/find" => find(),
        "/write" => answer(&format!("{:?}", fs::write(query(), "written").map_err(|error| error.kind()))),
        "/read" => answer(&format!("{:?}", fs::read_to_string(query()).map_err(|error| error.kind()))),
        _ => write!(io::stdout(), "status: 404\n\n"),
    }
}

fn answer(text: &str) -> io::Result<()> {
    write!(io::stdout(), "content-type: text/plain\n\n{text}")
}

fn query() -> String {
    var("QUERY_STRING").unwrap_or_default()
}

/// Grows the memory until that is refused, and says how large it is then.
fn grow() -> usize {
    loop {
        if core::arch::wasm32::memory_grow(0, 16) == usize::MAX {
            return core::arch::wasm32::memory_size(0) << 16;
        }
    }
}

/// Leaves marks all over its memory, for `find` to look for in another request.
fn leave() -> io::Result<()> {
    let marks = vec![0x5eed_5eed_5eed_5eed_u64; 1 << 16];
    answer(&marks.iter().filter(|mark| **mark != 0).count().to_string())?;
    std::mem::forget(marks);
    Ok(())
}

/// Looks through all of its memory, as far as it can be made to grow.
fn find() -> io::Result<()> {
    let len = grow();
    let mut found = 0;
    for at in (1024..len).step_by(8) {
        // SAFETY: it is inside the memory, which nobody else uses meanwhile.
        found += u32::from(unsafe { core::ptr::read_volatile(at as *const u64) } == 0x5eed_5eed_5eed_5eed);
    }
    answer(&format!("{found} of {}", len > 0))
}
