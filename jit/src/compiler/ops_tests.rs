//! Compares compiled instructions with the interpreter: each on edge values, alone, on constants, and within larger
//! expressions; for the baseline processor and for this one; with NaNs as they come and canonical ones; relaxed ones with
//! deterministic results and with this machine's.

mod access;
mod native;
mod table;
mod values;

use super::clif::heaps::{Heap, Heaps};
use super::clif::mem_flags::AccessFlags;
use super::clif::operand_stack::OperandStack;
use super::clif::vectors::V128;
use super::operators::{machines_own, memory, numeric, vector};
use cranelift_codegen::ir::types::{F32, F64, I32, I64};
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, MemFlagsData, Signature, Type, UserFuncName};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use dunlin::tier::RelaxedSimd;
use dunlin::{Config, Engine, Instance, Module, Store};
use native::Native;
use std::collections::BTreeSet;
use table::{Instruction, instructions};
use values::{Rng, Shape, agree, constant, edges, from_val, random, to_val};
use wasmparser::{Operator, Parser, Payload, ValType};

/// A function of the module under test.
struct Case {
    text: String,
    params: Vec<ValType>,
    result: ValType,
    inputs: Vec<Vec<u128>>,
    /// Lanes of the result whose NaNs may differ, unless NaNs are canonical.
    nans: Option<Shape>,
}

/// What the runs have covered.
#[derive(Default)]
struct Seen {
    operators: BTreeSet<String>,
    results: usize,
    traps: usize,
}

fn name(ty: ValType) -> String {
    ty.to_string()
}

/// The target for this machine: with the features that Dunlin requires only, or with all that the processor has.
fn isa(least: bool, canonical: bool) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("opt_level", "speed").unwrap();
    flags.set("enable_nan_canonicalization", &canonical.to_string()).unwrap();
    let mut isa = cranelift_native::builder_with_options(!least).unwrap();
    if least && cfg!(target_arch = "x86_64") {
        isa.enable("sse42").unwrap();
    }
    isa.finish(settings::Flags::new(flags)).unwrap()
}

fn clif(ty: ValType) -> Type {
    match ty {
        ValType::I32 => I32,
        ValType::I64 => I64,
        ValType::F32 => F32,
        ValType::F64 => F64,
        ValType::V128 => V128,
        ValType::Ref(_) => unreachable!("no references here"),
    }
}

/// Compiles a function without control flow, as one of arguments, a result and a context.
fn translate(
    body: &wasmparser::FunctionBody<'_>,
    params: &[ValType],
    isa: &OwnedTargetIsa,
    memories: &[Heap],
    (spectre, relaxed_simd): (bool, RelaxedSimd),
    seen: &mut Seen,
) -> Function {
    let mut signature = Signature::new(CallConv::triple_default(isa.triple()));
    signature.params = vec![AbiParam::new(I64); 3];
    let mut func = Function::with_name_signature(UserFuncName::default(), signature);
    let flags = AccessFlags::new(&mut func);
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut func, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let &[args, result, vm] = b.block_params(entry) else { panic!("three parameters") };
    let locals: Vec<_> = (0..)
        .zip(params)
        .map(|(i, ty)| b.ins().load(clif(*ty), MemFlagsData::trusted(), args, 16 * i))
        .collect();
    let mut heaps = Heaps::new(vm, memories.to_vec(), access::MEMORIES_WORD, flags);
    heaps.spectre = spectre;
    let mut stack = OperandStack::default();
    for op in body.get_operators_reader().unwrap() {
        let op = op.unwrap();
        match op {
            Operator::LocalGet { local_index } => stack.push(locals[local_index as usize]),
            Operator::End => {}
            _ => {
                let done = [
                    numeric(&mut b, &mut stack, &op),
                    machines_own(&mut b, &mut stack, relaxed_simd, &op) || vector(&mut b, &mut stack, &op),
                    memory(&mut b, &mut stack, &mut heaps, &op),
                ];
                let done = done.into_iter().filter(|done| *done).count();
                assert_eq!(done, 1, "{op:?} belongs to one kind of instructions");
                let debug = format!("{op:?}");
                seen.operators.insert(debug.split(' ').next().unwrap().to_owned());
            }
        }
    }
    assert_eq!(stack.len(), 1, "one result is left");
    b.ins().store(MemFlagsData::trusted(), stack.pop(), result, 0);
    b.ins().return_(&[]);
    b.finalize(isa.frontend_config());
    func
}

/// The bodies of a module in the text format, with their types.
fn bodies(wasm: &[u8]) -> Vec<wasmparser::FunctionBody<'_>> {
    let payloads = Parser::new(0).parse_all(wasm).map(Result::unwrap);
    payloads
        .filter_map(|payload| if let Payload::CodeSectionEntry(body) = payload { Some(body) } else { None })
        .collect()
}

fn function(i: usize, case: &Case) -> String {
    let params: Vec<_> = case.params.iter().map(|ty| name(*ty)).collect();
    let (params, result) = (params.join(" "), name(case.result));
    format!("(func (export \"{i}\") (param {params}) (result {result}) {})\n", case.text)
}

/// How cases are run.
#[derive(Clone, Copy, Default)]
struct Setting {
    /// For the baseline processor, not for this one.
    least: bool,
    /// Whether NaNs are canonical.
    canonical: bool,
    /// Whether relaxed instructions do what this machine does.
    relaxed: bool,
}

/// Runs cases in the interpreter and in machine code.
fn run(cases: &[Case], Setting { least, canonical, relaxed }: Setting, seen: &mut Seen) {
    let text: String = cases.iter().enumerate().map(|(i, case)| function(i, case)).collect();
    let wasm = wat::parse_str(format!("(module {text})")).unwrap();
    let mut config = Config::new();
    config.canonical_nans(canonical).relaxed_simd_deterministic(!relaxed);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, &wasm).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();

    let isa = isa(least, canonical);
    let funcs = bodies(&wasm).into_iter().zip(cases);
    let relaxed_simd = if relaxed { RelaxedSimd::of_this_machine() } else { RelaxedSimd::DETERMINISTIC };
    let how = (false, relaxed_simd);
    let funcs = funcs.map(|(body, case)| translate(&body, &case.params, &isa, &[], how, seen)).collect();
    let native = Native::new(&*isa, funcs);

    for (i, case) in cases.iter().enumerate() {
        let func = instance.get_func(&store, &i.to_string()).unwrap();
        // A process for each call is slow.
        let mut traps = 0;
        for input in &case.inputs {
            let args: Vec<_> = input.iter().zip(&case.params).map(|(bits, ty)| to_val(*ty, *bits)).collect();
            let mut result = [to_val(case.result, 0)];
            match func.call(&mut store, &args, &mut result) {
                Ok(()) => {
                    let (expected, found) = (from_val(result[0]), native.call(i, input, &[]));
                    let nans = case.nans.filter(|_| !canonical);
                    assert!(
                        agree(expected, found, nans),
                        "{} of {input:#x?} is {expected:#x}, not {found:#x}",
                        case.text
                    );
                    seen.results += 1;
                }
                Err(error) => {
                    traps += 1;
                    if traps <= 6 {
                        assert_eq!(native.trap(i, input, &[]), error.trap(), "{} of {input:#x?}", case.text);
                        seen.traps += 1;
                    }
                }
            }
        }
    }
}

/// Cases for an instruction: all operands from parameters, then one or all of them constant.
fn variants(instruction: &Instruction, rng: &mut Rng) -> Vec<Case> {
    let Instruction { text, params, result } = instruction;
    let nans = Shape::of_nans(text);
    let case = |constants: &[Option<u128>]| {
        let mut left = Vec::new();
        let mut operands = String::new();
        for (ty, constant) in params.iter().zip(constants) {
            match constant {
                Some(bits) => operands += &format!(" {}", self::constant(*ty, *bits)),
                None => {
                    operands += &format!(" (local.get {})", left.len());
                    left.push(*ty);
                }
            }
        }
        (format!("({text}{operands})"), left)
    };
    let mut cases = Vec::new();
    let mut add = |(text, params): (String, Vec<ValType>), inputs| {
        cases.push(Case { text, params, result: *result, inputs, nans });
    };
    add(case(&vec![None; params.len()]), all_edges(params, rng));
    for constant in 0..params.len() {
        for _ in 0..3 {
            let mut constants = vec![None; params.len()];
            constants[constant] = Some(random(params[constant], rng));
            let (text, params) = case(&constants);
            let inputs = (0..12).map(|_| params.iter().map(|ty| random(*ty, rng)).collect()).collect();
            add((text, params), inputs);
        }
    }
    for _ in 0..2 {
        let constants: Vec<_> = params.iter().map(|ty| Some(random(*ty, rng))).collect();
        add(case(&constants), vec![vec![]]);
    }
    cases
}

/// All edge values of one operand, or of two operands combined, and random ones.
fn all_edges(params: &[ValType], rng: &mut Rng) -> Vec<Vec<u128>> {
    let mut inputs: Vec<Vec<u128>> = match *params {
        [x] => edges(x).into_iter().map(|x| vec![x]).collect(),
        [x, y] => edges(x).into_iter().flat_map(|x| edges(y).into_iter().map(move |y| vec![x, y])).collect(),
        _ => Vec::new(),
    };
    inputs.extend((0..100).map(|_| params.iter().map(|ty| random(*ty, rng)).collect::<Vec<_>>()));
    inputs
}

#[test]
fn each_instruction_agrees_with_the_interpreter() {
    let mut rng = Rng(1);
    let mut cases: Vec<_> =
        instructions().iter().flat_map(|instruction| variants(instruction, &mut rng)).collect();
    for ty in [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128] {
        cases.extend(edges(ty).into_iter().map(|bits| Case {
            text: constant(ty, bits),
            params: Vec::new(),
            result: ty,
            inputs: vec![vec![]],
            nans: None,
        }));
    }
    let mut seen = Seen::default();
    let [here, relaxed] = [false, true].map(|relaxed| Setting { relaxed, ..Setting::default() });
    let canonical = |setting| Setting { canonical: true, ..setting };
    for setting in [Setting { least: true, ..here }, here, canonical(here)] {
        run(&cases, setting, &mut seen);
    }
    cases.retain(|case| case.text.contains("relaxed"));
    for setting in [relaxed, canonical(relaxed)] {
        run(&cases, setting, &mut seen);
    }
    assert!(seen.traps > 0 && seen.results > cases.len());
    println!("{} functions, {} results, {} traps", cases.len(), seen.results, seen.traps);
    access::run_all(&mut seen);
    println!("with accesses: {} results, {} traps", seen.results, seen.traps);
    assert_eq!(seen.operators, expected_operators());
}

/// Expressions of many instructions, to test how Cranelift's rules combine them.
#[test]
fn expressions_agree_with_the_interpreter() {
    const TYPES: [ValType; 5] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128];
    let instructions = instructions();
    let mut rng = Rng(2);
    let params: Vec<_> = TYPES.into_iter().flat_map(|ty| [ty; 2]).collect();
    let cases: Vec<_> = (0..1500)
        .map(|i| {
            let result = TYPES[i % 6 % 5];
            let text = expression(&instructions, result, 4, &mut rng);
            let inputs = (0..20).map(|_| params.iter().map(|ty| random(*ty, &mut rng)).collect()).collect();
            Case { text, params: params.clone(), result, inputs, nans: None }
        })
        .collect();
    let mut seen = Seen::default();
    for least in [true, false] {
        run(&cases, Setting { least, canonical: true, relaxed: !least }, &mut seen);
    }
    println!("{} results, {} traps", seen.results, seen.traps);
    assert!(seen.results > seen.traps);
}

fn expression(instructions: &[Instruction], result: ValType, depth: u32, rng: &mut Rng) -> String {
    // Parameters are two of each type, in this order.
    let first = match result {
        ValType::I32 => 0,
        ValType::I64 => 2,
        ValType::F32 => 4,
        ValType::F64 => 6,
        _ => 8,
    };
    if depth == 0 || rng.below(8) == 0 {
        return match rng.below(3) {
            0 => constant(result, random(result, rng)),
            n => format!("(local.get {})", first + n - 1),
        };
    }
    let fitting: Vec<_> = instructions
        .iter()
        .filter(|op| {
            op.result == result && !["div", "rem", "trunc_f"].iter().any(|trap| op.text.contains(trap))
        })
        .collect();
    let op = fitting[rng.below(fitting.len())];
    let operands: String =
        op.params.iter().map(|ty| format!(" {}", expression(instructions, *ty, depth - 1, rng))).collect();
    format!("({}{operands})", op.text)
}

macro_rules! names {
    ($(@$proposal:ident $op:ident $({ $($payload:tt)* })? => $visit:ident ($($arity:tt)*))*) => {
        &[$((stringify!($proposal), stringify!($op))),*]
    };
}

/// All of WebAssembly 2.0's operators and the relaxed ones, except for control, variables, references, tables, and bulk operations.
fn expected_operators() -> BTreeSet<String> {
    const ALL: &[(&str, &str)] = wasmparser::for_each_operator!(names);
    const OTHERS: &str = "Unreachable Nop Block Loop If Else End Br BrIf BrTable Return Call CallIndirect Drop Select \
                          LocalGet LocalSet LocalTee GlobalGet GlobalSet MemoryGrow";
    let here = ["mvp", "sign_extension", "saturating_float_to_int", "simd", "relaxed_simd"];
    ALL.iter()
        .filter(|(proposal, op)| here.contains(proposal) && !OTHERS.split(' ').any(|other| other == *op))
        .map(|(_, op)| op.to_string())
        .collect()
}
