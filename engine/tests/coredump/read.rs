//! A reader of core dumps: wasmparser's.

use dunlin::CoreValue;
use wasmparser::{
    CoreDumpInstancesSection, CoreDumpModulesSection, CoreDumpSection, CoreDumpStackFrame,
    CoreDumpStackSection, CoreDumpValue, DataKind, Operator, Parser, Payload,
};

/// What a reader finds in a dump.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) name: String,
    pub(crate) thread: String,
    pub(crate) modules: Vec<String>,
    /// Of each instance: its module, memories, globals.
    pub(crate) instances: Vec<(u32, Vec<u32>, Vec<u32>)>,
    pub(crate) frames: Vec<CoreDumpStackFrame>,
    pub(crate) memories: Vec<wasmparser::MemoryType>,
    /// The value that each global is initialised to, as its instruction.
    pub(crate) globals: Vec<String>,
    /// Of each data segment: its memory, where it begins, and its bytes.
    pub(crate) data: Vec<(u32, u64, Vec<u8>)>,
}

pub(crate) fn read(bytes: &[u8]) -> Read {
    let mut found = Read::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::CustomSection(section) => {
                let reader = wasmparser::BinaryReader::new(section.data(), section.data_offset());
                match section.name() {
                    "core" => found.name = CoreDumpSection::new(reader).unwrap().name.to_owned(),
                    "coremodules" => {
                        let modules = CoreDumpModulesSection::new(reader).unwrap().modules;
                        found.modules = modules.into_iter().map(str::to_owned).collect();
                    }
                    "coreinstances" => {
                        let instances = CoreDumpInstancesSection::new(reader).unwrap().instances;
                        let parts = instances.into_iter().map(|i| (i.module_index, i.memories, i.globals));
                        found.instances = parts.collect();
                    }
                    "corestack" => {
                        let stack = CoreDumpStackSection::new(reader).unwrap();
                        (found.thread, found.frames) = (stack.name.to_owned(), stack.frames);
                    }
                    other => panic!("section {other}"),
                }
            }
            Payload::MemorySection(section) => {
                found.memories = section.into_iter().map(Result::unwrap).collect()
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let operator = global.unwrap().init_expr.get_operators_reader().read().unwrap();
                    found.globals.push(format!("{operator:?}"));
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment.unwrap();
                    let DataKind::Active { memory_index, offset_expr } = segment.kind else { panic!() };
                    let start = match offset_expr.get_operators_reader().read().unwrap() {
                        Operator::I32Const { value } => u64::from(value as u32),
                        Operator::I64Const { value } => value as u64,
                        other => panic!("{other:?}"),
                    };
                    found.data.push((memory_index, start, segment.data.to_vec()));
                }
            }
            Payload::Version { .. } | Payload::End(_) => {}
            other => panic!("{other:?}"),
        }
    }
    found
}

/// Values of a frame, to be compared.
fn values(values: &[CoreDumpValue]) -> Vec<CoreValue> {
    let value = |value: &CoreDumpValue| match value {
        CoreDumpValue::Missing => CoreValue::Missing,
        CoreDumpValue::I32(value) => CoreValue::I32(*value),
        CoreDumpValue::I64(value) => CoreValue::I64(*value),
        CoreDumpValue::F32(value) => CoreValue::F32(value.bits()),
        CoreDumpValue::F64(value) => CoreValue::F64(value.bits()),
    };
    values.iter().map(value).collect()
}

pub(crate) fn locals(frame: &CoreDumpStackFrame) -> Vec<CoreValue> {
    values(&frame.locals)
}

pub(crate) fn operands(frame: &CoreDumpStackFrame) -> Vec<CoreValue> {
    values(&frame.stack)
}
