//! Functions that call.

use super::SUBJECT;
use super::parts::{EMPTY, I32, I64, NONE, Parts, callees, drops, memarg};
use wasm_encoder::{BlockType, InstructionSink, ValType};

pub(super) fn callees_with_locals(n: usize) -> Vec<u8> {
    callees(n, NONE, |parts, ty, _| {
        parts.func(ty, &[(30_000, ValType::V128)], |_| {});
    })
}

pub(super) fn callees_with_blocks(n: usize) -> Vec<u8> {
    callees(n, &[I32; 6], |parts, ty, _| {
        parts.func(ty, &[], |sink| {
            (0..6).for_each(|i| _ = sink.local_get(i));
            for _ in 0..4 {
                sink.block(BlockType::FunctionType(ty)).end();
            }
        });
    })
}

pub(super) fn callees_that_call(n: usize) -> Vec<u8> {
    let all = n / 3;
    callees(n, NONE, |parts, ty, i| {
        let next = SUBJECT + 1 + ((i + 1) % all) as u32;
        parts.func(ty, &[(20, I64)], |sink| {
            sink.call(next).call(next).call(next).call(next);
        });
    })
}

pub(super) fn small_recursive(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I32], NONE);
    parts.func(0, &[], |sink| {
        for _ in 0..n / 4 {
            sink.i32_const(0).call(2);
        }
    });
    parts.func(ty, &[], |sink| {
        sink.local_get(0).if_(EMPTY).local_get(0).i32_const(1).i32_sub().call(2).end();
    });
    parts.finish()
}

/// A function that isn't inlined.
pub(super) fn large(sink: &mut InstructionSink<'_>) {
    (0..40).for_each(|_| _ = sink.nop());
    sink.unreachable();
}

pub(super) fn wide_calls(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I32; 900], NONE);
    parts.func(ty, &[], |sink| {
        for _ in 0..n / 2700 + 1 {
            (0..900).for_each(|i| _ = sink.local_get(i));
            sink.call(2);
        }
    });
    parts.func(ty, &[], large);
    parts.finish()
}

pub(super) fn calls_above_operands(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I64], &[I64]);
    parts.func(0, &[], |sink| {
        for _ in 0..n / 12 {
            sink.i32_const(0).i64_load(memarg(0)).i64_const(7).call(2);
        }
        drops(sink, n / 12 * 2);
    });
    parts.func(ty, &[], large);
    parts.finish()
}

pub(super) fn indirect_calls(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    parts.func(0, &[], |sink| {
        for _ in 0..n / 5 {
            sink.i32_const(0).call_indirect(0, 0);
        }
    });
    parts.finish()
}

pub(super) fn tail_calls(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I32], NONE);
    parts.func(ty, &[], |sink| {
        for i in 0..n / 10 {
            sink.local_get(0).if_(EMPTY).i32_const(i as i32 & 63).return_call(SUBJECT).end();
        }
    });
    parts.finish()
}
