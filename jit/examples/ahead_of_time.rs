//! Compiles a module ahead of time, for this machine or another, and runs the machine code where there is no compiler.
//!
//!     cargo run --release -p dunlin-jit --example ahead_of_time

use dunlin::{Config, Engine, Instance, Module, Store};
use dunlin_jit::aot::{self, Compile, Opened, Target};
use dunlin_jit::{Jit, Mode};
use std::error::Error;

const TEXT: &str = r#"
    (module
        (func (export "gcd") (param i32 i32) (result i32) (local i32)
            (loop $again
                (local.set 2 (i32.rem_u (local.get 0) (local.get 1)))
                (local.set 0 (local.get 1))
                (br_if $again (local.tee 1 (local.get 2))))
            (local.get 0)))
"#;

/// On the machine that builds. The file has the module and machine code for it.
fn build(target: Target) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes = wat::parse_str(TEXT)?;
    // Fuel and NaNs are compiled as this engine is configured; that of the running machine must agree.
    let module = Module::new(&Engine::default(), &bytes)?;
    Ok(aot::compile(&module, &bytes, &Compile::new(target))?.bytes)
}

/// On the machine that runs. For this, the crate's feature `compiler` isn't needed.
///
/// Nothing confines machine code: call this only with files whose maker is trusted.
fn run(file: &[u8]) -> Result<i32, Box<dyn Error>> {
    let jit = Jit::new(Jit::options().mode(Mode::Off))?;
    let engine = Engine::new(Config::new().tier(jit.clone()))?;
    // Files may also be plain modules.
    let Opened::Precompiled(mut reader) = aot::open(file)? else { return Err("no machine code".into()) };
    // The module is validated as always.
    let module = Module::from_reader(&engine, &mut reader)?;
    // Code that doesn't fit this machine or engine is an error, and the module would be interpreted.
    jit.attach(&module, &reader.code(engine.budget())?)?;

    let mut store = Store::new(&engine, ());
    let gcd = Instance::new(&mut store, &module, &[])?.get_typed_func::<(i32, i32), i32>(&store, "gcd")?;
    assert_eq!(jit.stats().precompiled, 1);
    Ok(gcd.call(&mut store, (252, 105))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    for target in Target::ALL {
        println!("for {target}: {} bytes", build(target)?.len());
    }
    let here = Target::here().ok_or("no machine code can be run here")?;
    let result = run(&build(here)?)?;
    println!("gcd(252, 105) = {result}");
    assert_eq!(result, 21);
    Ok(())
}
