//! Functions that compute.

use super::parts::{EMPTY, I32, I64, NONE, Parts, alone, memarg};
use wasm_encoder::{ConstExpr, GlobalType, ValType};

pub(super) fn long_lives(n: usize) -> Vec<u8> {
    let locals = n / 20;
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        for i in 1..=locals as u32 {
            sink.local_get(0).i32_load(memarg(u64::from(i))).local_set(i);
        }
        for _ in 0..n / 20 {
            sink.local_get(0).if_(EMPTY).i32_const(0).i32_const(0).i32_store(memarg(0)).end();
        }
        for i in 1..=locals as u32 {
            sink.i32_const(0).local_get(i).i32_store(memarg(u64::from(i) * 4));
        }
    })
}

pub(super) fn scattered_lives(n: usize) -> Vec<u8> {
    let locals = n / 300;
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        for i in 1..=locals as u32 {
            sink.local_get(0).i32_load(memarg(u64::from(i))).local_set(i);
            for _ in 0..20 {
                sink.local_get(0).local_get(0).i32_load(memarg(8)).i32_store(memarg(16));
            }
        }
        for _ in 0..n / 20 {
            sink.local_get(0).if_(EMPTY).i32_const(0).i32_const(0).i32_store(memarg(0)).end();
        }
        for i in 1..=locals as u32 {
            sink.i32_const(0).local_get(i).i32_store(memarg(u64::from(i) * 4));
        }
    })
}

pub(super) fn expression(n: usize) -> Vec<u8> {
    alone(&[I64], &[I64], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 6 {
            sink.local_get(0).i64_mul().i64_const(77).i64_xor();
        }
    })
}

pub(super) fn deep_expression(n: usize) -> Vec<u8> {
    alone(&[I64], &[I64], &[], |sink| {
        for _ in 0..n / 3 {
            sink.local_get(0);
        }
        for i in 1..n / 3 {
            if i % 2 == 0 {
                sink.i64_add()
            } else {
                sink.i64_sub()
            };
        }
    })
}

pub(super) fn equal_expressions(n: usize) -> Vec<u8> {
    alone(&[I64], &[I64], &[], |sink| {
        sink.i64_const(0);
        for _ in 0..n / 12 {
            sink.local_get(0).i64_const(3).i64_mul().local_get(0).i64_const(5).i64_rotl();
            sink.i64_add().i64_xor();
        }
    })
}

pub(super) fn selects(n: usize) -> Vec<u8> {
    alone(&[I32], &[I32], &[], |sink| {
        sink.local_get(0);
        for i in 0..n / 9 {
            sink.i32_const(i as i32 & 63).local_get(0).i32_const(i as i32 & 63).i32_lt_s().select();
        }
    })
}

pub(super) fn integers(n: usize) -> Vec<u8> {
    alone(NONE, &[I64], &[], |sink| {
        sink.i64_const(0);
        for i in 0..n / 11 {
            sink.i64_const(0x1234_5678_9abc_def0 + (i as i64) * 0x1_0001_0001).i64_or();
        }
    })
}

pub(super) fn floats(n: usize) -> Vec<u8> {
    alone(NONE, &[ValType::F64], &[], |sink| {
        sink.f64_const(0.0.into());
        for i in 0..n / 10 {
            sink.f64_const((i as f64).sqrt().into()).f64_add();
        }
    })
}

pub(super) fn vectors(n: usize) -> Vec<u8> {
    alone(NONE, &[ValType::V128], &[], |sink| {
        sink.v128_const(0);
        for i in 0..n / 20 {
            sink.v128_const(i as i128 * 0x1_2345_6789_abcd_ef01).i8x16_add();
        }
    })
}

pub(super) fn vector_arithmetic(n: usize) -> Vec<u8> {
    alone(&[ValType::V128], &[ValType::V128], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 12 {
            sink.i8x16_popcnt().i64x2_abs().local_get(0).i64x2_mul().f64x2_convert_low_i32x4_u();
        }
    })
}

pub(super) fn vector_shifts(n: usize) -> Vec<u8> {
    alone(&[ValType::V128, I32], &[ValType::V128], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 12 {
            sink.local_get(1).i8x16_shr_s().local_get(1).i64x2_shr_s().local_get(0).i8x16_swizzle();
        }
    })
}

pub(super) fn divisions(n: usize) -> Vec<u8> {
    alone(&[I64], &[I64], &[], |sink| {
        sink.local_get(0);
        for i in 0..n / 6 {
            sink.i64_const(3 + i as i64 % 60);
            if i % 2 == 0 {
                sink.i64_div_s()
            } else {
                sink.i64_rem_u()
            };
            sink.local_get(0).i64_add();
        }
    })
}

pub(super) fn conversions(n: usize) -> Vec<u8> {
    alone(&[ValType::F64], &[ValType::F64], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 6 {
            sink.i64_trunc_f64_u().f64_convert_i64_u().i32_trunc_sat_f64_u().f64_convert_i32_u();
        }
    })
}

pub(super) fn accesses(n: usize) -> Vec<u8> {
    alone(&[I32], &[I64], &[], |sink| {
        sink.i64_const(0);
        for i in 0..n / 13 {
            sink.local_get(0).i64_load(memarg(i as u64 % 100)).i64_add();
            sink.local_get(0).local_get(0).i32_store(memarg(8 + i as u64 % 50));
        }
    })
}

pub(super) fn globals(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    let all = n / 14;
    for _ in 0..all {
        let ty = GlobalType { val_type: I32, mutable: true, shared: false };
        parts.globals.global(ty, &ConstExpr::i32_const(0));
    }
    parts.func(0, &[], |sink| {
        for i in 0..all as u32 {
            sink.i32_const(8).i32_load(memarg(0)).global_set(i).global_get(i).drop();
        }
    });
    parts.finish()
}

pub(super) fn copies(n: usize) -> Vec<u8> {
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..n / 20 {
            sink.local_get(0).local_get(0).local_get(0).memory_copy(0, 0);
            sink.local_get(0).local_get(0).local_get(0).memory_fill(0);
        }
    })
}

pub(super) fn elements(n: usize) -> Vec<u8> {
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..n / 10 {
            sink.local_get(0).local_get(0).table_get(0).table_set(0).table_size(0).drop();
        }
    })
}

pub(super) fn locals_in_blocks(n: usize) -> Vec<u8> {
    let locals = n / 16;
    alone(&[I32], NONE, &[(locals, I64)], |sink| {
        for i in 1..=locals as u32 {
            sink.block(EMPTY).local_get(0).br_if(0).local_get(i).i64_const(1).i64_add().local_set(i).end();
        }
    })
}
