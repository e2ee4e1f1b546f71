//! What a program does in wasmtime.

use crate::random::Random;
use crate::{Step, UNITS, number, sum};
use wasmtime::{
    Config, Engine, Error, Extern, ExternType, Func, Instance, Module, Ref, Store, ThrownException, Trap,
    V128, Val, ValType,
};

pub(crate) fn engine() -> Engine {
    let mut config = Config::new();
    config.wasm_wide_arithmetic(true).wasm_custom_page_sizes(true).wasm_memory64(true).wasm_tail_call(true);
    config.wasm_function_references(true).wasm_gc(true).wasm_exceptions(true).wasm_multi_memory(true);
    config.relaxed_simd_deterministic(true).cranelift_nan_canonicalization(true);
    config.memory_reservation(1 << 20).memory_guard_size(64 << 10);
    Engine::new(&config).unwrap()
}

pub(crate) fn observe(engine: &Engine, bytes: &[u8], seed: u64) -> Vec<Step> {
    let module = Module::new(engine, bytes).unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    let mut store = Store::new(engine, ());
    let imports: Option<Vec<Extern>> =
        module.imports().map(|import| provide(&mut store, import.ty())).collect();
    let Some(imports) = imports else { return vec![Step::Seen("an import can't be had".into())] };
    let instance = match Instance::new(&mut store, &module, &imports) {
        Ok(instance) => instance,
        Err(error) => return vec![told(&mut store, &error)],
    };
    let mut random = Random::new(seed ^ 0x5eed);
    let mut steps = vec![state(&mut store, instance)];
    let exports: Vec<(String, Extern)> =
        instance.exports(&mut store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    for _ in 0..2 {
        for (_, export) in &exports {
            let Extern::Func(func) = export else { continue };
            if let Some(left) = instance.get_global(&mut store, "left") {
                left.set(&mut store, Val::I32(UNITS)).unwrap();
            }
            let ty = func.ty(&store);
            let args: Option<Vec<Val>> = ty.params().map(|ty| value(&ty, &mut random)).collect();
            let Some(args) = args else { continue };
            let mut results = vec![Val::I32(0); ty.results().len()];
            let outcome = func.call(&mut store, &args, &mut results);
            steps.push(match outcome {
                Ok(()) => Step::Seen(results.iter().map(text).collect()),
                Err(error) => told(&mut store, &error),
            });
            steps.push(state(&mut store, instance));
        }
    }
    steps
}

fn value(ty: &ValType, random: &mut Random) -> Option<Val> {
    let bits = number(random);
    Some(match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        ValType::V128 => Val::V128(V128::from(u128::from(bits) << 64 | u128::from(bits))),
        ValType::Ref(_) => return Val::default_for_ty(ty),
    })
}

fn provide(store: &mut Store<()>, ty: ExternType) -> Option<Extern> {
    if let ExternType::Func(ty) = &ty {
        let results: Vec<ValType> = ty.results().collect();
        let func = Func::new(&mut *store, ty.clone(), move |_, _, values| {
            for (ty, value) in results.iter().zip(values) {
                *value = Val::default_for_ty(ty).ok_or_else(|| Error::msg("no value"))?;
            }
            Ok(())
        });
        return Some(Extern::Func(func));
    }
    ty.default_value(store).ok()
}

fn told(store: &mut Store<()>, error: &Error) -> Step {
    Step::Seen(match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => return Step::Overflow,
        Some(trap) => format!("trap {trap:?}"),
        None if error.is::<ThrownException>() => {
            store.take_pending_exception();
            "exception".into()
        }
        None => "error".into(),
    })
}

fn text(value: &Val) -> String {
    match value {
        Val::FuncRef(value) => format!("ref {}, ", value.is_some()),
        Val::ExternRef(value) => format!("ref {}, ", value.is_some()),
        Val::ExnRef(value) => format!("ref {}, ", value.is_some()),
        Val::I32(value) => format!("i32 {value}, "),
        Val::I64(value) => format!("i64 {value}, "),
        Val::F32(bits) => format!("f32 {bits:#x}, "),
        Val::F64(bits) => format!("f64 {bits:#x}, "),
        Val::V128(value) => format!("v128 {:#x}, ", value.as_u128()),
        other => format!("{other:?}, "),
    }
}

/// What is exported besides functions.
fn state(store: &mut Store<()>, instance: Instance) -> Step {
    let exports: Vec<Extern> = instance.exports(&mut *store).map(|export| export.into_extern()).collect();
    let mut seen = String::new();
    for export in exports {
        match export {
            Extern::Memory(memory) => seen += &format!("memory {:#x}, ", sum(memory.data(&*store))),
            Extern::Global(global) => seen += &text(&global.get(&mut *store)),
            Extern::Table(table) => {
                for index in 0..table.size(&*store) {
                    let element = table.get(&mut *store, index).expect("it is in bounds");
                    let is_null = match element {
                        Ref::Func(value) => value.is_none(),
                        Ref::Extern(value) => value.is_none(),
                        Ref::Exn(value) => value.is_none(),
                        Ref::Any(value) => value.is_none(),
                    };
                    seen += &format!("ref {}, ", !is_null);
                }
            }
            _ => {}
        }
    }
    Step::Seen(seen)
}
