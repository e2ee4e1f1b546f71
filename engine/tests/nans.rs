//! `Config::canonical_nans`: whatever NaN goes in, arithmetic gives the canonical one.

use dunlin::{Config, Dispatch, Engine, Instance, Module, Store, V128};

const TEXT: &str = r#"(module
    (func (export "f32") (param f32) (result f32)
        (f32.mul (f32.add (local.get 0) (f32.const 1)) (f32.const 2)))
    (func (export "f64") (param f64) (result f64) (local f64)
        (local.set 1 (f64.sqrt (local.get 0)))
        (f64.sub (local.get 1) (f64.const 3)))
    (func (export "promote") (param f32) (result f64) (f64.promote_f32 (local.get 0)))
    (func (export "demote") (param f64) (result f32) (f32.demote_f64 (local.get 0)))
    (func (export "min") (param f32) (result f32) (f32.min (f32.const 1) (local.get 0)))
    (func (export "f32x4") (param v128) (result v128)
        (f32x4.add (local.get 0) (f32x4.splat (f32.const 1))))
    (func (export "f64x2") (param v128) (result v128) (f64x2.sqrt (local.get 0)))
    (func (export "neg") (param f32) (result f32) (f32.neg (local.get 0))))"#;

const F32: u32 = 0x7fc0_0000;
const F64: u64 = 0x7ff8_0000_0000_0000;

#[test]
fn arithmetic_gives_the_canonical_nan() {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let engine = Engine::new(Config::new().canonical_nans(true).dispatch(dispatch)).unwrap();
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, wat::parse_str(TEXT).unwrap()).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        macro_rules! call {
            ($name:literal, $x:expr, $p:ty => $r:ty) => {
                instance.get_typed_func::<$p, $r>(&mut store, $name).unwrap().call(&mut store, $x).unwrap()
            };
        }
        for bits in [0xffc0_0001u32, 0x7fc1_2345, 0x7f80_0001, 0xffff_ffff] {
            let nan = f32::from_bits(bits);
            assert_eq!(call!("f32", nan, f32 => f32).to_bits(), F32);
            assert_eq!(call!("min", nan, f32 => f32).to_bits(), F32);
            assert_eq!(call!("promote", nan, f32 => f64).to_bits(), F64);
            let wide = f64::from_bits(0xfff4_0000_0000_0000 | u64::from(bits));
            assert_eq!(call!("f64", wide, f64 => f64).to_bits(), F64);
            assert_eq!(call!("demote", wide, f64 => f32).to_bits(), F32);
            let lanes = u128::from(bits) << 96 | u128::from(1f32.to_bits());
            let sum = call!("f32x4", V128::from_bits(lanes), V128 => V128).to_bits();
            assert_eq!((sum >> 96) as u32, F32);
            assert_eq!(sum as u32, 2f32.to_bits());
            let roots =
                call!("f64x2", V128::from_bits(u128::from(wide.to_bits()) << 64), V128 => V128).to_bits();
            assert_eq!((roots >> 64) as u64, F64);
            // A sign is no arithmetic: the payload stays.
            assert_eq!(call!("neg", nan, f32 => f32).to_bits(), bits ^ 0x8000_0000);
        }
        assert_eq!(call!("f32", 2.5, f32 => f32), 7.0);
        assert_eq!(call!("f64", 16.0, f64 => f64), 1.0);
    }
}
