//! The cost of loading and translating modules: time and memory per byte.
//!
//! `load MODULE...` loads each module several times and translates all its functions. Beside it stands what wasmparser
//! takes to parse and validate the module and to keep nothing. Times are of the processor, medians; bodies are the bytes
//! of all function bodies.

use dunlin::{Config, Engine, Error, Module, Result};
use rustix::time::{ClockId, clock_gettime};
use wasmparser::{FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator};

const ROUNDS: usize = 5;

fn main() -> Result<()> {
    println!(
        "{:>10} {:>10} {:>8} {:>10} {:>10} {:>10}  module",
        "bytes", "of bodies", "load", "wasmparser", "translate", "code"
    );
    println!(
        "{:>10} {:>10} {:>8} {:>10} {:>10} {:>10}",
        "", "", "ns/byte", "ns/byte", "ns/byte", "bytes/byte"
    );
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).map_err(|error| Error::msg(format!("{path}: {error}")))?;
        let mut times = [[0.0; 3]; ROUNDS];
        let (mut bodies, mut code) = (0, 0);
        for times in &mut times {
            let engine = Engine::new(Config::new().check_translation(false))?;
            let start = cpu_ns();
            let module = Module::new(&engine, &bytes)?;
            let loaded = cpu_ns();
            module.translate()?;
            let translated = cpu_ns();
            validate(&bytes)?;
            *times = [loaded - start, translated - loaded, cpu_ns() - translated];
            (bodies, code) = (body_bytes(&bytes)?, module.translated_bytes());
        }
        let [load, translate, validated] = [0, 1, 2].map(|which| median(times.map(|times| times[which])));
        println!(
            "{:10} {bodies:10} {:8.2} {:10.2} {:10.1} {:10.2}  {path}",
            bytes.len(),
            load / bytes.len() as f64,
            validated / bytes.len() as f64,
            translate / bodies as f64,
            code as f64 / bodies as f64,
        );
    }
    Ok(())
}

fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn median(mut times: [f64; ROUNDS]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

/// With wasmparser alone, one body after the other.
fn validate(module: &[u8]) -> Result<()> {
    let failed = |error: wasmparser::Error| Error::msg(error.to_string());
    let mut validator = Validator::new();
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(module) {
        if let ValidPayload::Func(func, body) =
            validator.payload(&payload.map_err(failed)?).map_err(failed)?
        {
            let mut func = func.into_validator(allocations);
            func.validate(&body).map_err(failed)?;
            allocations = func.into_allocations();
        }
    }
    Ok(())
}

fn body_bytes(module: &[u8]) -> Result<u64> {
    let mut sum = 0;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CodeSectionEntry(body) = payload.map_err(|e| Error::msg(e.to_string()))? {
            sum += body.range().end - body.range().start;
        }
    }
    Ok(sum)
}
