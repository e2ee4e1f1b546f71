//! Evaluates a policy: `policy POLICY.wasm ENTRYPOINT [INPUT [DATA]]`, input and data as JSON.

use dunlin::{Engine, Module};
use dunlin_hosts::opa::{Policy, PolicyOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(entrypoint)) = (args.next(), args.next()) else {
        return Err("wanted: POLICY.wasm ENTRYPOINT [INPUT [DATA]]".into());
    };
    let input = args.next();
    let data = args.next().unwrap_or_else(|| "{}".into());
    let module = Module::from_file(&Engine::default(), file)?;
    let policy = Policy::new(&module, PolicyOptions::default().print(|message| eprintln!("{message}")))?;
    println!("{}", policy.evaluator(data)?.evaluate(&entrypoint, input.as_deref())?);
    Ok(())
}
