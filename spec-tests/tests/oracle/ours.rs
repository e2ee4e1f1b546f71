//! What a program does in Dunlin.

use crate::random::Random;
use crate::{Step, UNITS, number, sum};
use dunlin::{
    AsContextMut, Engine, Error, ErrorKind, Extern, ExternType, Func, Global, Instance, Memory, Module,
    Store, Table, Tag, Trap, V128, Val, ValType,
};

pub(crate) fn observe(engine: &Engine, bytes: &[u8], seed: u64) -> Vec<Step> {
    let module = Module::new(engine, bytes).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let mut store = Store::new(engine, ());
    let imports: Option<Vec<Extern>> =
        module.imports().map(|import| provide(&mut store, import.ty())).collect();
    let Some(imports) = imports else { return vec![Step::Seen("an import can't be had".into())] };
    let instance = match Instance::new(&mut store, &module, &imports) {
        Ok(instance) => instance,
        Err(error) => return vec![told(&error)],
    };
    let mut random = Random::new(seed ^ 0x5eed);
    let mut steps = vec![state(&mut store, instance)];
    let exports: Vec<(String, Extern)> =
        instance.exports(&store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    for _ in 0..2 {
        for (_, export) in &exports {
            let Extern::Func(func) = export else { continue };
            if let Some(left) = instance.get_global(&store, "left") {
                left.set(&mut store, Val::I32(UNITS)).unwrap();
            }
            let ty = func.ty(&store);
            let args: Option<Vec<Val>> = ty.params().map(|ty| value(ty, &mut random)).collect();
            let Some(args) = args else { continue };
            let mut results = vec![Val::I32(0); ty.results().len()];
            steps.push(match func.call(&mut store, &args, &mut results) {
                Ok(()) => Step::Seen(results.iter().map(text).collect()),
                Err(error) => told(&error),
            });
            steps.push(state(&mut store, instance));
        }
    }
    steps
}

fn value(ty: ValType, random: &mut Random) -> Option<Val> {
    let bits = number(random);
    Some(match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits),
        ValType::V128 => V128::from_bits(u128::from(bits) << 64 | u128::from(bits)).into(),
        ValType::Ref(_) => return Val::default_for_ty(ty),
    })
}

fn provide(store: &mut Store<()>, ty: &ExternType) -> Option<Extern> {
    let provided = match ty {
        ExternType::Func(ty) => {
            let results: Vec<ValType> = ty.results().collect();
            let func = Func::try_new(&mut *store, ty.clone(), move |_, _, values| {
                for (ty, value) in results.iter().zip(values) {
                    *value = Val::default_for_ty(*ty).ok_or_else(|| Error::msg("no value"))?;
                }
                Ok(())
            });
            func.map(Extern::Func)
        }
        ExternType::Memory(ty) => Memory::new(&mut *store, *ty).map(Extern::Memory),
        ExternType::Table(ty) => {
            Table::new(&mut *store, *ty, Val::default_for_ty(ty.element().into())?).map(Extern::Table)
        }
        ExternType::Global(ty) => {
            Global::new(&mut *store, *ty, Val::default_for_ty(ty.content())?).map(Extern::Global)
        }
        ExternType::Tag(ty) => Tag::new(&mut *store, ty).map(Extern::Tag),
    };
    provided.ok()
}

fn told(error: &Error) -> Step {
    Step::Seen(match error.trap() {
        Some(Trap::StackOverflow) => return Step::Overflow,
        // wasmtime has one for both.
        Some(Trap::UndefinedElement) => "trap TableOutOfBounds".into(),
        Some(Trap::NullExceptionReference) => "trap NullReference".into(),
        Some(trap) => format!("trap {trap:?}"),
        None if error.kind() == ErrorKind::Exception => "exception".into(),
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
        Val::V128(value) => format!("v128 {:#x}, ", value.to_bits()),
    }
}

/// What is exported besides functions.
fn state(store: &mut Store<()>, instance: Instance) -> Step {
    let exports: Vec<Extern> = instance.exports(&*store).map(|export| export.into_extern()).collect();
    let mut seen = String::new();
    for export in exports {
        match export {
            Extern::Memory(memory) => seen += &format!("memory {:#x}, ", sum(memory.data(&*store))),
            Extern::Global(global) => seen += &text(&global.get(store.as_context_mut())),
            Extern::Table(table) => {
                for index in 0..table.size(&*store) {
                    seen += &text(&table.get(store.as_context_mut(), index).expect("it is in bounds"));
                }
            }
            Extern::Func(_) | Extern::SharedMemory(_) | Extern::Tag(_) => {}
        }
    }
    Step::Seen(seen)
}
