//! Copies one file: `cp SRC DST`, both within the folders the host opened for us.
//! Exit codes: 0 copied, 1 failed, 2 wrong usage.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::process::ExitCode;

fn copy(from: &str, to: &str) -> Result<u64, String> {
    let at = |path: &str, error: io::Error| format!("{path}: {error}");
    let mut source = File::open(from).map_err(|e| at(from, e))?;
    if source.metadata().map_err(|e| at(from, e))?.is_dir() {
        return Err(format!("{from}: is a directory"));
    }
    // DST is not truncated before it is known that SRC can be read.
    let mut chunk = vec![0; 16 * 1024];
    let mut got = source.read(&mut chunk).map_err(|e| at(from, e))?;
    let mut target =
        OpenOptions::new().write(true).create(true).truncate(true).open(to).map_err(|e| at(to, e))?;
    let mut copied = 0;
    while got > 0 {
        target.write_all(&chunk[..got]).map_err(|e| at(to, e))?;
        copied += got as u64;
        got = source.read(&mut chunk).map_err(|e| at(from, e))?;
    }
    target.sync_all().map_err(|e| at(to, e))?;
    Ok(copied)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let [_, from, to] = args.as_slice() else {
        eprintln!("usage: cp SRC DST");
        return ExitCode::from(2);
    };
    if from == to {
        eprintln!("cp: {from}: source and destination are the same");
        return ExitCode::from(1);
    }
    match copy(from, to) {
        Ok(bytes) => {
            println!("{bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("cp: {message}");
            ExitCode::from(1)
        }
    }
}
