//! Computes the Mandelbrot set on a SIZE by SIZE grid (first argument) and prints a checksum of all iteration
//! counts; `--show` draws it in characters instead. Floating point work only.

use std::process::ExitCode;

const MAX_ITERATIONS: u32 = 200;
const DEFAULT_SIZE: u32 = 1200;

/// How many steps the point takes to leave the circle of radius 2.
fn iterations(cx: f64, cy: f64) -> u32 {
    let (mut x, mut y) = (0.0, 0.0);
    for n in 0..MAX_ITERATIONS {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return n;
        }
        y = 2.0 * x * y + cy;
        x = xx - yy + cx;
    }
    MAX_ITERATIONS
}

fn point(column: u32, columns: u32, row: u32, rows: u32) -> u32 {
    let x = -2.25 + 3.0 * f64::from(column) / f64::from(columns);
    let y = -1.25 + 2.5 * f64::from(row) / f64::from(rows);
    iterations(x, y)
}

fn show() {
    const SHADES: &[u8] = b" .:-=+*%@#";
    for row in 0..32 {
        let line: String = (0..78)
            .map(|column| {
                let n = point(column, 78, row, 32);
                let shade =
                    if n == MAX_ITERATIONS { SHADES.len() - 1 } else { (n.max(1).ilog2() as usize).min(8) };
                SHADES[shade] as char
            })
            .collect();
        println!("{}", line.trim_end());
    }
}

fn main() -> ExitCode {
    let size = match std::env::args().nth(1).as_deref() {
        None => Some(DEFAULT_SIZE),
        Some("--show") => {
            show();
            return ExitCode::SUCCESS;
        }
        Some(text) => text.parse().ok().filter(|n| (1..=10_000).contains(n)),
    };
    let Some(size) = size else {
        eprintln!("usage: mandel [SIZE | --show]   (SIZE from 1 to 10000)");
        return ExitCode::from(2);
    };
    let (mut checksum, mut inside) = (0xcbf2_9ce4_8422_2325_u64, 0_u64);
    for row in 0..size {
        for column in 0..size {
            let n = point(column, size, row, size);
            inside += u64::from(n == MAX_ITERATIONS);
            checksum = (checksum ^ u64::from(n)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    println!("{size}x{size}: {inside} points inside, checksum {checksum:016x}");
    ExitCode::SUCCESS
}
