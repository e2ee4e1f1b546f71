//! Counts what the interpreter dispatches over a program: single ops, two and three in a row, and the handlers that
//! execute them.
//!
//! `ops MODULE [ARGS]...` runs a WASI program; `ops --invoke NAME MODULE [N]` calls an export that takes one i32.

use dunlin::{Config, Dispatch, DispatchCounts, Engine, Error, Linker, Module, Result, Store, Val};
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1).peekable();
    let export = args.next_if_eq("--invoke").and_then(|_| args.next());
    let path = args.next().ok_or_else(|| Error::msg("which module?"))?;
    let engine = Engine::new(Config::new().dispatch(Dispatch::Count))?;
    let module = Module::from_file(&engine, &path)?;
    let mut linker = Linker::<WasiCtx>::new(&engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
    let args: Vec<String> = args.collect();
    let ctx = WasiCtxBuilder::new().arg(&path).args(&args).inherit_stdio().build();
    let mut store = Store::new(&engine, ctx);
    let instance = linker.instantiate(&mut store, &module)?;
    let (name, params) = match &export {
        Some(name) => (name.as_str(), args.iter().map(|n| Val::I32(n.parse().unwrap_or(0))).collect()),
        None => ("_start", Vec::new()),
    };
    let func = instance.get_func(&mut store, name).ok_or_else(|| Error::msg(format!("no export {name}")))?;
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    if let Err(error) = func.call(&mut store, &params, &mut results) {
        eprintln!("{error}");
    }
    let DispatchCounts { ops, pairs, triples, tail, .. } = store.dispatch_counts().unwrap_or_default();
    let total: u64 = ops.iter().map(|(_, n)| n).sum();
    eprintln!("{total} dispatches, results {results:?}");
    let lists = [("ops", &ops), ("pairs", &pairs), ("triples", &triples), ("handlers", &tail)];
    for (title, list) in lists {
        eprintln!("{title}:");
        for (name, n) in list.iter().take(300) {
            eprintln!("{:6.2} %  {n:>12}  {name}", *n as f64 * 100.0 / total as f64);
        }
    }
    Ok(())
}
