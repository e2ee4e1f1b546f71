//! Functions that ask much of a compiler for their size: each family in any size.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, InstructionSink, MemArg, MemArgTarget, MemorySection,
    MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

/// A kind of function, and how one whose body has about so many bytes is made.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) growth: Growth,
    pub(crate) make: fn(usize) -> Vec<u8>,
}

/// What there is to be compiled, by the size of the body.
#[derive(Clone, Copy)]
pub(crate) enum Growth {
    Linear,
    /// Some of its locals meet, or live, at each of some blocks.
    Product,
}

/// The function of each module that the family is about. What it needs besides comes behind it.
pub(crate) const SUBJECT: u32 = 1;

type Make = fn(usize) -> Vec<u8>;

const LINEAR: &[(&str, Make)] = &[
    ("calls of functions with many locals", callees_with_locals),
    ("calls of functions with wide blocks", callees_with_blocks),
    ("calls of functions that call", callees_that_call),
    ("a call of one small recursive function", small_recursive),
    ("calls with many arguments", wide_calls),
    ("calls above many operands", calls_above_operands),
    ("calls through a table", indirect_calls),
    ("tail calls", tail_calls),
    ("loops with values", wide_loops),
    ("branches back above many operands", branches_above_operands),
    ("locals that change places in a loop", rotation),
    ("many branches back to a loop with some locals", branches_back_with_some),
    ("many branches back to a loop with few locals", branches_back_with_few),
    ("wide blocks that nothing branches to", wide_blocks),
    ("wide blocks that something branches to", wide_joins),
    ("wide ifs", wide_ifs),
    ("nested blocks", nested_blocks),
    ("nested ifs", nested_ifs),
    ("nested loops, empty", nested_empty_loops),
    ("nested ifs with values", nested_wide_ifs),
    ("a table of branches with values", wide_table),
    ("tables of branches to all blocks", tables_of_blocks),
    ("tables of branches to all loops", tables_of_loops),
    ("returns of values", wide_returns),
    ("one long expression", expression),
    ("one deep expression", deep_expression),
    ("equal expressions", equal_expressions),
    ("selects", selects),
    ("integer constants", integers),
    ("float constants", floats),
    ("vector constants", vectors),
    ("vector arithmetic", vector_arithmetic),
    ("vector shifts", vector_shifts),
    ("divisions", divisions),
    ("conversions", conversions),
    ("loads and stores", accesses),
    ("globals and loads", globals),
    ("copies of memory", copies),
    ("tables' elements", elements),
];

const PRODUCTS: &[(&str, Make)] = &[
    ("nested loops, each with all locals", nested_loops),
    ("loops in a row, each with all locals", loops_in_a_row),
    ("many branches back to a loop with many locals", branches_back),
    ("many branches out of a block, then all locals", branches_out),
    ("values that live long", long_lives),
    ("scattered values that live long", scattered_lives),
    ("many locals, each in a block of its own", locals_in_blocks),
];

pub(crate) fn families() -> impl Iterator<Item = Family> {
    let linear = LINEAR.iter().map(|&(name, make)| Family { name, growth: Growth::Linear, make });
    linear.chain(PRODUCTS.iter().map(|&(name, make)| Family { name, growth: Growth::Product, make }))
}

/// What a module is made of.
#[derive(Default)]
struct Parts {
    types: TypeSection,
    functions: FunctionSection,
    code: CodeSection,
    globals: GlobalSection,
}

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;
const NONE: &[ValType] = &[];

impl Parts {
    /// With a function that does nothing, whose type is the first.
    fn new() -> Self {
        let mut parts = Self::default();
        let none = parts.ty(NONE, NONE);
        parts.func(none, &[], |_| {});
        parts
    }

    fn ty(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        self.types.ty().function(params.iter().copied(), results.iter().copied());
        self.types.len() - 1
    }

    fn func(
        &mut self,
        ty: u32,
        locals: &[(usize, ValType)],
        body: impl FnOnce(&mut InstructionSink<'_>),
    ) -> u32 {
        self.functions.function(ty);
        let mut function = Function::new(locals.iter().map(|&(n, ty)| (n as u32, ty)));
        let mut sink = function.instructions();
        body(&mut sink);
        sink.end();
        self.code.function(&function);
        self.functions.len() - 1
    }

    fn finish(&self) -> Vec<u8> {
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: 8,
            maximum: None,
            table64: false,
            shared: false,
        });
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("f", ExportKind::Func, SUBJECT);
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([0u32][..].into()));
        let mut module = Module::new();
        module.section(&self.types).section(&self.functions).section(&tables).section(&memories);
        module.section(&self.globals).section(&exports).section(&elements).section(&self.code);
        module.finish()
    }
}

/// A module with one function that isn't empty.
fn alone(
    params: &[ValType],
    results: &[ValType],
    locals: &[(usize, ValType)],
    body: impl FnOnce(&mut InstructionSink<'_>),
) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(params, results);
    parts.func(ty, locals, body);
    parts.finish()
}

/// The same with an `i32`, and types for blocks of so many `i32`s: [`WIDE`] and [`WIDE_RESULTS`].
fn alone_with_wide(
    width: usize,
    locals: &[(usize, ValType)],
    body: impl FnOnce(&mut InstructionSink<'_>),
) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I32], NONE);
    let wide = vec![I32; width];
    parts.ty(&wide, &wide);
    parts.ty(NONE, &wide);
    parts.func(ty, locals, body);
    parts.finish()
}

const WIDE: BlockType = BlockType::FunctionType(2);
const WIDE_RESULTS: BlockType = BlockType::FunctionType(3);
const EMPTY: BlockType = BlockType::Empty;

fn memarg(offset: u64) -> MemArg {
    MemArg { offset, align: 0, target: MemArgTarget::Memory(0), ordering: None }
}

fn constants(sink: &mut InstructionSink<'_>, n: usize) {
    for i in 0..n {
        sink.i32_const(i as i32 & 63);
    }
}

fn drops(sink: &mut InstructionSink<'_>, n: usize) {
    for _ in 0..n {
        sink.drop();
    }
}

fn callees(n: usize, params: &[ValType], callee: impl Fn(&mut Parts, u32, usize)) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(params, params);
    let all = (n / 3).max(1);
    parts.func(0, &[], |sink| {
        constants(sink, params.len());
        for i in 0..all {
            sink.call(SUBJECT + 1 + i as u32);
        }
        drops(sink, params.len());
    });
    for i in 0..all {
        callee(&mut parts, ty, i);
    }
    parts.finish()
}

fn callees_with_locals(n: usize) -> Vec<u8> {
    callees(n, NONE, |parts, ty, _| {
        parts.func(ty, &[(30_000, ValType::V128)], |_| {});
    })
}

fn callees_with_blocks(n: usize) -> Vec<u8> {
    callees(n, &[I32; 6], |parts, ty, _| {
        parts.func(ty, &[], |sink| {
            (0..6).for_each(|i| _ = sink.local_get(i));
            for _ in 0..4 {
                sink.block(BlockType::FunctionType(ty)).end();
            }
        });
    })
}

fn callees_that_call(n: usize) -> Vec<u8> {
    let all = n / 3;
    callees(n, NONE, |parts, ty, i| {
        let next = SUBJECT + 1 + ((i + 1) % all) as u32;
        parts.func(ty, &[(20, I64)], |sink| {
            sink.call(next).call(next).call(next).call(next);
        });
    })
}

fn small_recursive(n: usize) -> Vec<u8> {
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
fn large(sink: &mut InstructionSink<'_>) {
    (0..40).for_each(|_| _ = sink.nop());
    sink.unreachable();
}

fn wide_calls(n: usize) -> Vec<u8> {
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

fn calls_above_operands(n: usize) -> Vec<u8> {
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

fn indirect_calls(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    parts.func(0, &[], |sink| {
        for _ in 0..n / 5 {
            sink.i32_const(0).call_indirect(0, 0);
        }
    });
    parts.finish()
}

fn tail_calls(n: usize) -> Vec<u8> {
    let mut parts = Parts::new();
    let ty = parts.ty(&[I32], NONE);
    parts.func(ty, &[], |sink| {
        for i in 0..n / 10 {
            sink.local_get(0).if_(EMPTY).i32_const(i as i32 & 63).return_call(SUBJECT).end();
        }
    });
    parts.finish()
}

/// Each of some locals changes in the innermost of many loops.
fn nested_loops(n: usize) -> Vec<u8> {
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

fn loops_in_a_row(n: usize) -> Vec<u8> {
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

fn wide_loops(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 8 {
            sink.loop_(WIDE).local_get(0).br_if(0).end();
        }
        drops(sink, 900);
    })
}

fn branches_above_operands(n: usize) -> Vec<u8> {
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

fn rotation(n: usize) -> Vec<u8> {
    let locals = n / 8;
    alone(&[I32], NONE, &[(locals, I32)], |sink| {
        sink.loop_(EMPTY);
        for i in (1..=locals).rev() {
            sink.local_get(i as u32 - 1).local_set(i as u32);
        }
        sink.local_get(locals as u32).br_if(0).end();
    })
}

fn branches_back_with(n: usize, locals: usize) -> Vec<u8> {
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

fn branches_back(n: usize) -> Vec<u8> {
    branches_back_with(n, n / 14)
}

fn branches_back_with_some(n: usize) -> Vec<u8> {
    branches_back_with(n, 30)
}

fn branches_back_with_few(n: usize) -> Vec<u8> {
    branches_back_with(n, 14)
}

fn branches_out(n: usize) -> Vec<u8> {
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

fn wide_blocks(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 3 {
            sink.block(WIDE).end();
        }
        drops(sink, 900);
    })
}

fn wide_joins(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 10 {
            sink.block(WIDE).local_get(0).br_if(0).drop().local_get(0).end();
        }
        drops(sink, 900);
    })
}

fn wide_ifs(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        constants(sink, 900);
        for _ in 0..n / 9 {
            sink.local_get(0).if_(WIDE).drop().local_get(0).else_().end();
        }
        drops(sink, 900);
    })
}

fn nested_blocks(n: usize) -> Vec<u8> {
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

fn nested_ifs(n: usize) -> Vec<u8> {
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

fn nested_empty_loops(n: usize) -> Vec<u8> {
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

fn nested_wide_ifs(n: usize) -> Vec<u8> {
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

fn wide_table(n: usize) -> Vec<u8> {
    alone_with_wide(900, &[], |sink| {
        sink.block(WIDE_RESULTS);
        constants(sink, 900);
        sink.local_get(0).br_table(vec![0; n], 0).end();
        drops(sink, 900);
    })
}

fn tables_of_blocks(n: usize) -> Vec<u8> {
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

fn tables_of_loops(n: usize) -> Vec<u8> {
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

fn wide_returns(n: usize) -> Vec<u8> {
    alone(&[I32], &[I32; 6], &[], |sink| {
        constants(sink, 6);
        for _ in 0..n / 4 {
            sink.local_get(0).br_if(0);
        }
    })
}

fn long_lives(n: usize) -> Vec<u8> {
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

fn scattered_lives(n: usize) -> Vec<u8> {
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

fn expression(n: usize) -> Vec<u8> {
    alone(&[I64], &[I64], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 6 {
            sink.local_get(0).i64_mul().i64_const(77).i64_xor();
        }
    })
}

fn deep_expression(n: usize) -> Vec<u8> {
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

fn equal_expressions(n: usize) -> Vec<u8> {
    alone(&[I64], &[I64], &[], |sink| {
        sink.i64_const(0);
        for _ in 0..n / 12 {
            sink.local_get(0).i64_const(3).i64_mul().local_get(0).i64_const(5).i64_rotl();
            sink.i64_add().i64_xor();
        }
    })
}

fn selects(n: usize) -> Vec<u8> {
    alone(&[I32], &[I32], &[], |sink| {
        sink.local_get(0);
        for i in 0..n / 9 {
            sink.i32_const(i as i32 & 63).local_get(0).i32_const(i as i32 & 63).i32_lt_s().select();
        }
    })
}

fn integers(n: usize) -> Vec<u8> {
    alone(NONE, &[I64], &[], |sink| {
        sink.i64_const(0);
        for i in 0..n / 11 {
            sink.i64_const(0x1234_5678_9abc_def0 + (i as i64) * 0x1_0001_0001).i64_or();
        }
    })
}

fn floats(n: usize) -> Vec<u8> {
    alone(NONE, &[ValType::F64], &[], |sink| {
        sink.f64_const(0.0.into());
        for i in 0..n / 10 {
            sink.f64_const((i as f64).sqrt().into()).f64_add();
        }
    })
}

fn vectors(n: usize) -> Vec<u8> {
    alone(NONE, &[ValType::V128], &[], |sink| {
        sink.v128_const(0);
        for i in 0..n / 20 {
            sink.v128_const(i as i128 * 0x1_2345_6789_abcd_ef01).i8x16_add();
        }
    })
}

fn vector_arithmetic(n: usize) -> Vec<u8> {
    alone(&[ValType::V128], &[ValType::V128], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 12 {
            sink.i8x16_popcnt().i64x2_abs().local_get(0).i64x2_mul().f64x2_convert_low_i32x4_u();
        }
    })
}

fn vector_shifts(n: usize) -> Vec<u8> {
    alone(&[ValType::V128, I32], &[ValType::V128], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 12 {
            sink.local_get(1).i8x16_shr_s().local_get(1).i64x2_shr_s().local_get(0).i8x16_swizzle();
        }
    })
}

fn divisions(n: usize) -> Vec<u8> {
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

fn conversions(n: usize) -> Vec<u8> {
    alone(&[ValType::F64], &[ValType::F64], &[], |sink| {
        sink.local_get(0);
        for _ in 0..n / 6 {
            sink.i64_trunc_f64_u().f64_convert_i64_u().i32_trunc_sat_f64_u().f64_convert_i32_u();
        }
    })
}

fn accesses(n: usize) -> Vec<u8> {
    alone(&[I32], &[I64], &[], |sink| {
        sink.i64_const(0);
        for i in 0..n / 13 {
            sink.local_get(0).i64_load(memarg(i as u64 % 100)).i64_add();
            sink.local_get(0).local_get(0).i32_store(memarg(8 + i as u64 % 50));
        }
    })
}

fn globals(n: usize) -> Vec<u8> {
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

fn copies(n: usize) -> Vec<u8> {
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..n / 20 {
            sink.local_get(0).local_get(0).local_get(0).memory_copy(0, 0);
            sink.local_get(0).local_get(0).local_get(0).memory_fill(0);
        }
    })
}

fn elements(n: usize) -> Vec<u8> {
    alone(&[I32], NONE, &[], |sink| {
        for _ in 0..n / 10 {
            sink.local_get(0).local_get(0).table_get(0).table_set(0).table_size(0).drop();
        }
    })
}

fn locals_in_blocks(n: usize) -> Vec<u8> {
    let locals = n / 16;
    alone(&[I32], NONE, &[(locals, I64)], |sink| {
        for i in 1..=locals as u32 {
            sink.block(EMPTY).local_get(0).br_if(0).local_get(i).i64_const(1).i64_add().local_set(i).end();
        }
    })
}
