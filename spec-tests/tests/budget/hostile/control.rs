//! Functions of loops, blocks and branches.

use super::parts::{EMPTY, I32, NONE, WIDE, WIDE_RESULTS, alone, alone_with_wide, constants, drops, memarg};

/// Each of some locals changes in the innermost of many loops.
pub(super) fn nested_loops(n: usize) -> Vec<u8> {
    let (loops, locals) = (n / 16, n / 32);
    alone(NONE, NONE, &[(locals, I32)], |sink| {
        for _ in 0..loops {
            sink.loop_(EMPTY);
        }
        for i in 0..locals {
            sink.local_get(i as u32).i32_const(1).i32_sub().local_set((i * 7 % locals) as u32);
        }
        for _ in 0..loops {
            sink.i32_const(0).br_if(0).end();
        }
    })
}

pub(super) fn loops_in_a_row(n: usize) -> Vec<u8> {
    let locals = (n / 40).max(1);
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        for i in 0..n / 22 {
            let (a, b) = (1 + i % locals, 1 + i * 7 % locals);
            sink.loop_(EMPTY).local_get(a as u32).i32_const(1).i32_add().local_set(b as u32);
            sink.local_get(0).br_if(0).end();
        }
        for i in 1..=locals {
            sink.local_get(i as u32).local_set(0);
        }
    })
}

pub(super) fn wide_loops(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 8 {
            sink.loop_(WIDE).local_get(0).br_if(0).end();
        }
        drops(sink, 900);
    })
}

pub(super) fn branches_above_operands(n: usize) -> Vec<u8> {
    let operands = n / 8;
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..operands {
            sink.local_get(0).i32_load(memarg(0));
        }
        sink.loop_(EMPTY);
        for _ in 0..n / 10 {
            sink.local_get(0).br_if(0);
        }
        sink.end();
        drops(sink, operands);
    })
}

pub(super) fn rotation(n: usize) -> Vec<u8> {
    let locals = n / 8;
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        sink.loop_(EMPTY);
        for i in (1..=locals).rev() {
            sink.local_get(i as u32 - 1).local_set(i as u32);
        }
        sink.local_get(locals as u32).br_if(0).end();
    })
}

pub(super) fn branches_back_with(n: usize, locals: usize) -> Vec<u8> {
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        sink.loop_(EMPTY);
        for i in 1..=locals as u32 {
            sink.local_get(i).local_get(i).i32_mul().local_set(i);
        }
        for i in 0..(n - n.min(8 * locals)) / 8 {
            let local = 1 + (i % locals) as u32;
            sink.local_get(local).local_get(0).i32_xor().br_if(0);
        }
        sink.end();
    })
}

pub(super) fn branches_back(n: usize) -> Vec<u8> {
    branches_back_with(n, n / 14)
}

pub(super) fn branches_back_with_some(n: usize) -> Vec<u8> {
    branches_back_with(n, 30)
}

pub(super) fn branches_back_with_few(n: usize) -> Vec<u8> {
    branches_back_with(n, 14)
}

pub(super) fn branches_out(n: usize) -> Vec<u8> {
    let locals = n / 20;
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        sink.block(EMPTY);
        for i in 0..n / 10 {
            sink.local_get(0).local_tee((1 + i % locals) as u32).br_if(0);
        }
        sink.end();
        for i in 1..=locals as u32 {
            sink.local_get(i).local_set(0);
        }
    })
}

pub(super) fn wide_blocks(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 3 {
            sink.block(WIDE).end();
        }
        drops(sink, 900);
    })
}

pub(super) fn wide_joins(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 10 {
            sink.block(WIDE).local_get(0).br_if(0).drop().local_get(0).end();
        }
        drops(sink, 900);
    })
}

pub(super) fn wide_ifs(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 9 {
            sink.local_get(0).if_(WIDE).drop().local_get(0).else_().end();
        }
        drops(sink, 900);
    })
}

pub(super) fn nested_blocks(n: usize) -> Vec<u8> {
    let depth = (n / 8).min(60_000);
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..depth {
            sink.block(EMPTY);
        }
        for i in 0..depth {
            sink.local_get(0).br_if((i % 100) as u32 % (depth - i) as u32).end();
        }
    })
}

pub(super) fn nested_ifs(n: usize) -> Vec<u8> {
    let depth = (n / 10).min(60_000);
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..depth {
            sink.local_get(0).i32_const(1).i32_sub().local_tee(0).if_(EMPTY);
        }
        for _ in 0..depth {
            sink.end();
        }
    })
}

pub(super) fn nested_empty_loops(n: usize) -> Vec<u8> {
    let depth = (n / 8).min(60_000);
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..depth {
            sink.loop_(EMPTY);
        }
        for _ in 0..depth {
            sink.local_get(0).br_if(0).end();
        }
    })
}

pub(super) fn nested_wide_ifs(n: usize) -> Vec<u8> {
    let depth = n / 6;
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..depth {
            sink.local_get(0).if_(WIDE);
        }
        for _ in 0..depth {
            sink.end();
        }
        drops(sink, 900);
    })
}

pub(super) fn wide_table(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        sink.block(WIDE_RESULTS);
        constants(sink, 900);
        sink.local_get(0).br_table(vec![0; n], 0).end();
        drops(sink, 900);
    })
}

pub(super) fn tables_of_blocks(n: usize) -> Vec<u8> {
    let depth = ((n / 2) as f64).sqrt() as usize;
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..depth {
            sink.block(EMPTY);
        }
        for i in 0..depth {
            let targets: Vec<u32> = (0..(depth - i) as u32).collect();
            sink.local_get(0).br_table(targets, 0).end();
        }
    })
}

pub(super) fn tables_of_loops(n: usize) -> Vec<u8> {
    let depth = ((n / 2) as f64).sqrt() as usize;
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..depth {
            sink.loop_(EMPTY);
        }
        for i in 0..depth {
            let targets: Vec<u32> = (0..(depth - i) as u32).collect();
            sink.block(EMPTY).local_get(0).br_if(0).local_get(0).br_table(targets, 1).end().end();
        }
    })
}

pub(super) fn wide_returns(n: usize) -> Vec<u8> {
    alone(&[I32], &[I32; 6], &[], |sink| {
        constants(sink, 6);
        for _ in 0..n / 4 {
            sink.local_get(0).br_if(0);
        }
    })
}
