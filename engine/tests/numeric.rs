//! Calls through slots.

use dunlin::{Engine, Error, Func, FuncType, Linker, Module, Store, Trap, ValType};

const ALL: &str = r#"(module
    (import "host" "mix" (func $mix (param i32 i64 f32 f64 v128) (result f32 v128 i32)))
    (func (export "mix") (param i32 i64 f32 f64 v128) (result f32 v128 i32)
        (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
    (memory 1)
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "ref") (param externref)))"#;

#[test]
fn numbers_go_through_slots_both_ways() -> Result<(), Error> {
    use ValType::{F32, F64, I32, I64, V128};
    let engine = Engine::default();
    let mut linker = Linker::<u32>::new(&engine);
    let ty = FuncType::new([I32, I64, F32, F64, V128], [F32, V128, I32]);
    linker.func_numeric("host", "mix", ty, |mut caller, slots| {
        *caller.data_mut() += 1;
        assert_eq!(slots.len(), 6);
        assert_eq!(slots[..2], [u64::from(-1i32 as u32), 2]);
        assert_eq!((f32::from_bits(slots[2] as u32), f64::from_bits(slots[3])), (0.5, 0.25));
        let vector = [slots[4], slots[5]];
        // What is beyond 32 bits doesn't reach the guest.
        slots[..4].copy_from_slice(&[1.5f32.to_bits() as u64 | 7 << 32, vector[1], vector[0], 9 | 7 << 32]);
        Ok(())
    })?;
    let module = Module::new(&engine, wat::parse_str(ALL).unwrap())?;
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module)?;
    let mix = instance.get_func(&store, "mix").unwrap().numeric(&store)?;
    assert_eq!(mix.slots(), 6);
    let mut slots = [u64::MAX, 2, 0.5f32.to_bits().into(), 0.25f64.to_bits(), 10, 20, 77];
    mix.call(&mut store, &mut slots)?;
    assert_eq!(slots[..4], [1.5f32.to_bits().into(), 20, 10, 9]);
    assert_eq!((slots[6], *store.data()), (77, 1));
    let error = mix.call(&mut store, &mut slots[..5]).unwrap_err();
    assert_eq!(error.to_string(), "a call needs 6 slots, and 5 were given");
    Ok(())
}

#[test]
fn the_upper_half_of_an_address_is_not_used() -> Result<(), Error> {
    let engine = Engine::default();
    let mut linker = Linker::<u32>::new(&engine);
    let module = Module::new(&engine, wat::parse_str(ALL).unwrap())?;
    linker.define_unknown_imports_as_traps(&module)?;
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module)?;
    let load = instance.get_func(&store, "load").unwrap().numeric(&store)?;
    let mut slots = [5 | 1 << 40];
    load.call(&mut store, &mut slots)?;
    assert_eq!(slots, [0]);
    let error = load.call(&mut store, &mut [65536]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    Ok(())
}

#[test]
fn other_types_have_no_numeric_form() -> Result<(), Error> {
    let mut store = Store::new(&Engine::default(), ());
    let many = FuncType::new([ValType::V128; 33], []);
    for ty in [FuncType::new([ValType::EXTERNREF], []), FuncType::new([], [ValType::FUNCREF]), many] {
        let error = Func::new_numeric(&mut store, ty.clone(), |_, _| Ok(())).unwrap_err();
        let func = Func::new(&mut store, ty, |_, _, _| Ok(()));
        assert_eq!(func.numeric(&store).unwrap_err().to_string(), error.to_string());
    }
    Ok(())
}
