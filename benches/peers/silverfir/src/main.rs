//! A command around Silverfir-nano's interpreter, for targets/page.sh: `silverfir-peer [--invoke NAME] MODULE [ARGUMENT]`.

use sf_nano_core::wasi::{WasiContextBuilder, wasi_imports};
use sf_nano_core::{Config, Engine, Instance, Tier, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1).peekable();
    let invoked = words.next_if(|word| word == "--invoke").and_then(|_| words.next());
    let module = words.next().ok_or("a module's file is missing")?;
    let engine = Engine::new(Config::new().tier(Tier::Interp)).map_err(|error| format!("{error:?}"))?;
    let context = WasiContextBuilder::new().args([&module]).build();
    let wasm = std::fs::read(&module)?;
    let mut instance =
        Instance::new(&engine, &wasm, &wasi_imports(context)).map_err(|error| format!("{error:?}"))?;
    let (name, arguments) = match invoked {
        Some(name) => (name, vec![Value::I32(words.next().ok_or("a number is missing")?.parse()?)]),
        None => ("_start".to_owned(), Vec::new()),
    };
    let results = instance.invoke(&name, &arguments);
    match results {
        Ok(results) if !results.is_empty() => println!("{results:?}"),
        Err(error) if error.exit_code() != Some(0) => return Err(format!("{error:?}").into()),
        _ => {}
    }
    Ok(())
}
