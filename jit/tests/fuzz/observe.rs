//! Observes a program: calls every export several times and records what happens.

use crate::generate::Program;
use crate::random::Random;
use dunlin::{
    AsContext, AsContextMut, Caller, Engine, Error, Extern, ExternRef, ExternType, Func, Global, Instance,
    Memory, Module, Store, Table, Tag, Trap, V128, Val, ValType,
};
use std::fmt::Write;

/// How often all exports are called.
const ROUNDS: u64 = 3;

/// The fuel for a call, where it is counted.
const FUEL: [u64; 4] = [30, 300, 3000, 30_000];

/// The host's state.
struct Host {
    random: Random,
    depth: u32,
    calls: u64,
}

/// One run of a program.
pub(crate) struct Observed {
    /// A line for each step, with its outcome.
    pub(crate) steps: Vec<String>,
    /// How many of its functions were entered, if it is interpreted.
    pub(crate) entered: usize,
}

/// Runs a program, which is valid by construction: if it doesn't load, the generator or the engine is wrong.
pub(crate) fn observe(engine: &Engine, program: &Program, seed: u64) -> Observed {
    let module = Module::new(engine, &program.bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let mut random = Random::new(seed ^ 0x5eed);
    let mut store = Store::new(engine, Host { random: Random::new(seed), depth: 0, calls: 0 });
    let mut seen = Vec::new();
    let mut instances: Vec<Instance> = Vec::new();
    // The second instance imports what it can from the first.
    for _ in 0..2 {
        let imports: Result<Vec<Extern>, Error> = (module.imports())
            .map(|import| provide(&mut store, import.ty(), instances.first().copied(), &mut random))
            .collect();
        let _ = store.set_fuel(10_000);
        match imports.and_then(|imports| Instance::new(&mut store, &module, &imports)) {
            Ok(instance) => instances.push(instance),
            Err(error) => seen.push(told(&error)),
        }
        seen.push(state(&store, &instances));
    }
    for round in 0..ROUNDS {
        for instance in instances.clone() {
            let exports: Vec<(String, Extern)> = instance
                .exports(&store)
                .map(|export| (export.name().to_owned(), export.into_extern()))
                .collect();
            for (name, export) in exports {
                let Extern::Func(func) = export else { continue };
                // The units for programs with loops.
                if let Some(left) = instance.get_global(&store, "left") {
                    left.set(&mut store, Val::I32(random.below(600) as i32)).expect("it is an i32");
                }
                let _ = store.set_fuel(FUEL[random.below(FUEL.len() as u64) as usize]);
                let ty = func.ty(&store);
                let args: Vec<Val> = ty.params().map(|ty| value(&mut store, ty, &mut random)).collect();
                let mut results = vec![Val::I32(0); ty.results().len()];
                let outcome = match func.call(&mut store, &args, &mut results) {
                    Ok(()) => results.iter().map(text).collect::<String>(),
                    Err(error) => told(&error),
                };
                seen.push(format!(
                    "{round} {name}: {outcome}; {:?}, {} calls of hosts",
                    store.get_fuel().ok(),
                    store.data().calls
                ));
                seen.push(globals(&store, instance));
            }
            seen.push(state(&store, &instances));
        }
    }
    Observed { steps: seen, entered: module.translated_functions() }
}

/// An error, with its backtrace.
fn told(error: &Error) -> String {
    let mut text = format!("{:?} {error}", error.kind());
    let Some(backtrace) = error.backtrace() else { return text };
    for (i, frame) in backtrace.frames().iter().enumerate() {
        write!(text, "\n{i}: function {} at {:#x?}", frame.func_index(), frame.module_offset())
            .expect("a string");
    }
    write!(text, "\nand {} more", backtrace.omitted()).expect("a string");
    text
}

/// Provides an import: from the instance if it has an export of this type, else from the host.
fn provide(
    store: &mut Store<Host>,
    ty: &ExternType,
    instance: Option<Instance>,
    random: &mut Random,
) -> Result<Extern, Error> {
    let exports: Vec<Extern> = match instance {
        Some(instance) => instance.exports(&*store).map(|export| export.into_extern()).collect(),
        None => Vec::new(),
    };
    let fitting: Vec<Extern> =
        exports.into_iter().filter(|export| export.ty(&*store).to_string() == ty.to_string()).collect();
    if !fitting.is_empty() {
        return Ok(fitting[random.below(fitting.len() as u64) as usize].clone());
    }
    Ok(match ty {
        ExternType::Func(ty) => {
            let results: Vec<ValType> = ty.results().collect();
            let func = Func::try_new(&mut *store, ty.clone(), move |caller, _, values| {
                host(caller, &results, values)
            })?;
            Extern::Func(func)
        }
        ExternType::Memory(ty) => Extern::Memory(Memory::new(&mut *store, *ty)?),
        ExternType::Table(ty) => {
            let null = Val::null(ty.element().heap_type());
            Extern::Table(Table::new(&mut *store, *ty, null)?)
        }
        ExternType::Global(ty) => {
            let value = value(store, ty.content(), random);
            Extern::Global(Global::new(&mut *store, *ty, value)?)
        }
        ExternType::Tag(ty) => Extern::Tag(Tag::new(&mut *store, ty)?),
    })
}

/// A host function: it occasionally fails or calls back.
fn host(mut caller: Caller<'_, Host>, types: &[ValType], results: &mut [Val]) -> Result<(), Error> {
    let host = caller.data_mut();
    host.calls += 1;
    let (chance, which, depth) = (host.random.below(20), host.random.next(), host.depth);
    match chance {
        0 => return Err(Trap::MemoryOutOfBounds.into()),
        1 => return Err(Error::msg("the host won't")),
        2..8 if depth < 3
            // There is no calling instance if the function is exported and called from outside.
            && let Some(instance) = caller.instance() =>
        {
            caller.data_mut().depth += 1;
            let funcs: Vec<Func> =
                instance.exports(&caller).filter_map(|export| export.into_extern().into_func()).collect();
            let func = funcs[which as usize % funcs.len()];
            let ty = func.ty(&caller);
            let args: Vec<Val> = ty.params().filter_map(Val::default_for_ty).collect();
            let mut out = vec![Val::I32(0); ty.results().len()];
            let outcome = func.call(&mut caller, &args, &mut out);
            caller.data_mut().depth -= 1;
            outcome?;
        }
        _ => {}
    }
    for (ty, result) in types.iter().zip(results) {
        let mut random = Random::new(caller.data_mut().random.next());
        *result = value(&mut caller, *ty, &mut random);
    }
    Ok(())
}

fn value(store: &mut impl AsContextMut, ty: ValType, random: &mut Random) -> Val {
    const INTERESTING: [u64; 12] = [
        0,
        1,
        2,
        u64::MAX,
        0x8000_0000,
        0x7fff_ffff,
        1 << 63,
        65_535,
        65_536,
        0x7fc0_0000,
        0x3ff0_0000_0000_0000,
        0xfff8_0000_0000_0001,
    ];
    let bits = match random.below(3) {
        0 => random.next(),
        1 => random.below(100),
        _ => INTERESTING[random.below(INTERESTING.len() as u64) as usize],
    };
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        ValType::V128 => V128::from_bits(u128::from(bits) << 64 | u128::from(random.next())).into(),
        ValType::FUNCREF => Val::FuncRef(None),
        ValType::Ref(_) => {
            let object = bits % 2 == 0;
            Val::ExternRef(
                object.then(|| ExternRef::new(store.as_context_mut(), 1u8).expect("there is memory")),
            )
        }
    }
}

fn text(value: &Val) -> String {
    match value {
        Val::FuncRef(func) => format!("function {}, ", func.is_some()),
        Val::ExternRef(object) => format!("object {}, ", object.is_some()),
        other => format!("{other:?}, "),
    }
}

fn globals(store: &Store<Host>, instance: Instance) -> String {
    let mut seen = String::new();
    for export in instance.exports(store) {
        if let Extern::Global(global) = export.into_extern() {
            seen += &text(&global.get(store.as_context()));
        }
    }
    seen
}

/// The contents of memories and tables.
fn state(store: &Store<Host>, instances: &[Instance]) -> String {
    let mut seen = String::new();
    for instance in instances {
        for export in instance.exports(store) {
            match export.into_extern() {
                Extern::Memory(memory) => {
                    let data = memory.data(store);
                    let sum = data.as_chunks::<8>().0.iter().fold(0u64, |sum, word| {
                        (sum ^ u64::from_le_bytes(*word)).wrapping_mul(0x100_0000_01b3).rotate_left(23)
                    });
                    write!(seen, "{} bytes {sum:#x}; ", data.len()).expect("a string");
                }
                Extern::Table(table) => {
                    for i in 0..table.size(store) {
                        seen += &text(&table.get(store, i).expect("it is in bounds"));
                    }
                }
                Extern::Func(_) | Extern::Global(_) | Extern::SharedMemory(_) | Extern::Tag(_) => {}
            }
        }
    }
    seen
}
