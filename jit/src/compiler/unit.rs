//! Compiles single pieces of machine code with Cranelift.

use super::func::{self, Needs, Part};
use super::passes;
use super::scratch::Scratch;
use super::stubs;
use crate::charged_vec::NoMemory;
use crate::code::{self, INLINED, Inlined, Piece};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::UserExternalName;
use cranelift_codegen::isa::{self, CallConv, OwnedTargetIsa, TargetFrontendConfig};
use cranelift_codegen::{Context, FinalizedRelocTarget, settings};
use cranelift_frontend::FunctionBuilderContext;
use dunlin::ErrorKind;
use dunlin::tier::{Entry, Shape, View};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Why something isn't compiled.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Decline {
    /// It contains something that the compiler doesn't support.
    Unsupported(&'static str),
    /// The compiler failed.
    Compiler(String),
    /// The compiler panicked.
    Panicked,
    /// Its native frame is too large in proportion to the native stack.
    Frame,
    /// It is larger than what may be compiled at once.
    TooLarge,
    /// The compiler might take more than this many bytes, the bound for one function.
    Scratch(u64),
    /// The budget has no room for the compiler, or for the code.
    Budget,
    /// The system has no room for the code.
    System(String),
    /// The body can't be read any more.
    Unreadable(String),
    /// Its module was dropped.
    Dropped,
}

impl From<NoMemory> for Decline {
    fn from(refused: NoMemory) -> Self {
        match refused {
            NoMemory::Budget(_) => Decline::Budget,
            NoMemory::System => Decline::System(refused.to_string()),
        }
    }
}

impl Decline {
    /// The reason for which a body can't be read.
    pub(crate) fn of(error: &dunlin::Error) -> Self {
        match error.kind() {
            ErrorKind::OutOfBudget | ErrorKind::OutOfMemory => Decline::Budget,
            _ => Decline::Unreadable(error.to_string()),
        }
    }
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decline::Unsupported(what) => write!(f, "{what} is not supported"),
            Decline::Compiler(why) => write!(f, "the compiler failed: {why}"),
            Decline::Panicked => f.write_str("the compiler panicked"),
            Decline::Frame => f.write_str("its native frame is too large"),
            Decline::TooLarge => f.write_str("it is too large"),
            Decline::Scratch(most) => write!(f, "the compiler might take more than {} KiB", most >> 10),
            Decline::Budget => f.write_str("the memory budget has no room"),
            Decline::System(why) => write!(f, "the system has no room: {why}"),
            Decline::Unreadable(why) => write!(f, "its body can't be read: {why}"),
            Decline::Dropped => f.write_str("its module was dropped"),
        }
    }
}

/// How code is generated.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// Whether memories have guard regions.
    pub(crate) guarded: bool,
    /// Whether accesses after a failed bounds check must not happen speculatively either.
    pub(crate) spectre: bool,
    /// Whether fuel is counted.
    pub(crate) fuel: bool,
    /// Whether the profile decides what is inlined. Otherwise only size does, which keeps native frames small.
    pub(crate) by_profile: bool,
    /// Whether code has deoptimisation exits, for suspension.
    pub(crate) suspends: bool,
    /// Whether the code must work in other processes: it then embeds no addresses and no engine-wide type numbers.
    pub(crate) portable: bool,
    pub(crate) c_convention: CallConv,
    pub(crate) frontend: TargetFrontendConfig,
}

/// The symbols of direct calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Callee {
    /// A function, by its index among those that the module defines.
    Func(u32),
}

/// A piece of machine code.
pub(crate) struct Compiled {
    pub(crate) piece: Piece,
    /// For a function: what the interpreter needs to enter it.
    pub(crate) entry: Option<Entry>,
    /// The types whose trampolines and stubs it relies on.
    pub(crate) types: Vec<u32>,
    pub(super) code: Vec<u8>,
    pub(super) align: u32,
    /// Relocations: offset, kind, addend, and the function's index.
    pub(super) relocations: Vec<(u32, Reloc, i64, u32)>,
    pub(super) traps: Vec<(u32, u8)>,
    /// Offsets of sites, and the positions in the module that they come from.
    pub(super) sites: Vec<(u32, u32)>,
    /// Inlined places, by number.
    pub(super) inlined: Vec<Inlined>,
    /// The size of its native frame, and whether it calls anything.
    frame: u32,
    calls: bool,
}

impl Compiled {
    /// Its approximate heap size in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let lists = self.relocations.capacity() * size_of::<(u32, Reloc, i64, u32)>()
            + (self.traps.capacity() + self.sites.capacity()) * 8
            + self.types.capacity() * size_of::<u32>()
            + self.inlined.capacity() * size_of::<Inlined>();
        (self.code.capacity() + lists + size_of::<Self>()) as u64
    }

    /// The functions that it calls directly, by their index among those that the module defines.
    pub(crate) fn callees(&self) -> impl Iterator<Item = u32> {
        self.relocations.iter().map(|(.., index)| *index)
    }

    /// Keeps and renumbers the inlined places that sites refer to.
    fn keep_inlined(&mut self, all: &[Inlined]) {
        let mut numbers = HashMap::new();
        for (_, position) in &mut self.sites {
            *position = keep(*position, all, &mut numbers, &mut self.inlined);
        }
    }
}

fn keep(position: u32, all: &[Inlined], numbers: &mut HashMap<u32, u32>, kept: &mut Vec<Inlined>) -> u32 {
    if position & INLINED == 0 || position == code::ENTRY {
        return position;
    }
    if let Some(known) = numbers.get(&position) {
        return *known;
    }
    let found = all[(position & !INLINED) as usize];
    let at = keep(found.at, all, numbers, kept);
    kept.push(Inlined { at, ..found });
    let number = INLINED | (kept.len() as u32 - 1);
    numbers.insert(position, number);
    number
}

/// Compiles pieces one after the other, reusing Cranelift's allocations.
pub(crate) struct Compiler {
    isa: OwnedTargetIsa,
    context: Context,
    frontend: FunctionBuilderContext,
    registers: regalloc2::Ctx,
    /// Whether the profile changed what the last translation inlined.
    profile_mattered: bool,
}

/// The largest native frame of a leaf function, whatever it takes of the value stack.
const LARGEST_LEAF: u32 = 64 << 10;

impl Compiler {
    pub(crate) fn new(isa: OwnedTargetIsa) -> Self {
        Self {
            isa,
            context: Context::new(),
            frontend: FunctionBuilderContext::new(),
            registers: regalloc2::Ctx::default(),
            profile_mattered: false,
        }
    }

    /// Compiles a function, or its continuation from a loop on (OSR entry). If its native frame is too large, it is
    /// compiled once more without inlining by profile, if that makes a difference.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn func(
        &mut self,
        view: View<'_>,
        options: Options,
        what: (u32, &Shape, Part),
        batch: &dyn Fn(u32) -> bool,
        scratch: &Scratch,
    ) -> Result<Compiled, Decline> {
        let compiled = self.func_with(view, options, what, batch, scratch);
        match compiled {
            Err(Decline::Frame) if options.by_profile && self.profile_mattered => {
                let options = Options { by_profile: false, ..options };
                self.func_with(view, options, what, batch, scratch)
            }
            _ => compiled,
        }
    }

    fn func_with(
        &mut self,
        view: View<'_>,
        options: Options,
        what: (u32, &Shape, Part),
        batch: &dyn Fn(u32) -> bool,
        scratch: &Scratch,
    ) -> Result<Compiled, Decline> {
        self.context.clear();
        let (index, shape, part) = what;
        let translated = func::translate(
            view,
            options,
            what,
            (batch, scratch),
            &mut self.context.func,
            &mut self.frontend,
        );
        // After an error, the frontend's context isn't clean.
        if translated.is_err() {
            self.frontend = FunctionBuilderContext::new();
        }
        let Needs { types, inlined, profile_mattered } = translated?;
        self.profile_mattered = profile_mattered;
        let piece = match part {
            Part::Whole => Piece::Func(index),
            Part::From(found) => Piece::Loop(index, found.header),
        };
        let mut code = self.finish(piece, Some(scratch))?;
        code.keep_inlined(&inlined);
        code.types = types;
        code.entry = (part == Part::Whole).then(|| shape.entry());
        if code.frame > code::STACK_RATIO as u32 * 8 * shape.operands
            && (code.calls || code.frame > LARGEST_LEAF)
        {
            return Err(Decline::Frame);
        }
        Ok(code)
    }

    /// Compiles the trampoline and the stub of a type.
    ///
    /// # Errors
    /// Why they can't be compiled.
    pub(crate) fn ty(&mut self, view: View<'_>, options: Options, ty: u32) -> Result<[Compiled; 2], Decline> {
        let func_type = &view.types()[ty as usize];
        self.context.clear();
        stubs::trampoline(func_type, options, &mut self.context.func, &mut self.frontend);
        let trampoline = self.finish(Piece::Trampoline(ty), None)?;
        self.context.clear();
        stubs::stub(func_type, options, &mut self.context.func, &mut self.frontend);
        Ok([trampoline, self.finish(Piece::Stub(ty), None)?])
    }

    /// Compiles the bridge to builtins.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn bridge(&mut self, options: Options) -> Result<Compiled, Decline> {
        self.context.clear();
        stubs::bridge(options, &mut self.context.func, &mut self.frontend);
        self.finish(Piece::Bridge, None)
    }

    /// Compiles the detour for a function that isn't compiled.
    ///
    /// # Errors
    /// Why it can't be compiled.
    pub(crate) fn detour(
        &mut self,
        view: View<'_>,
        options: Options,
        index: u32,
    ) -> Result<Compiled, Decline> {
        self.context.clear();
        stubs::detour(view, index, options, &mut self.context.func, &mut self.frontend);
        self.finish(Piece::Detour(index), None)
    }

    /// What came of the last function in Cranelift's representation.
    #[cfg(test)]
    pub(super) fn last(&self) -> &cranelift_codegen::ir::Function {
        &self.context.func
    }

    fn finish(&mut self, piece: Piece, scratch: Option<&Scratch>) -> Result<Compiled, Decline> {
        let compiled = passes::generate(&mut self.context, &*self.isa, &mut self.registers, scratch)?;
        let buffer = &compiled.buffer;
        let code = buffer.data().to_vec();
        let mut relocations = Vec::new();
        let names = self.context.func.params.user_named_funcs();
        for relocation in buffer.relocs() {
            use cranelift_codegen::ir::ExternalName;
            let name = match &relocation.target {
                FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => name,
                // Cranelift calls a library function for what the processor can't do.
                FinalizedRelocTarget::ExternalName(ExternalName::LibCall(_)) => {
                    return Err(Decline::Unsupported("an instruction that the processor lacks"));
                }
                other => return Err(Decline::Compiler(format!("a relocation to {other:?}"))),
            };
            let UserExternalName { index, .. } = names[*name];
            relocations.push((relocation.offset, relocation.kind, relocation.addend, index));
        }
        let traps =
            buffer.traps().iter().map(|trap| (trap.offset, trap.code.as_raw().get())).collect::<Vec<_>>();
        let ranges = buffer.get_srclocs_sorted();
        let position = |at: u32| {
            let after = ranges.partition_point(|range| range.start <= at);
            let range = ranges[..after].last().filter(|range| at < range.end && !range.loc.is_default())?;
            Some(range.loc.bits())
        };
        let mut sites = BTreeMap::new();
        if let Piece::Func(_) | Piece::Loop(..) = piece {
            let traps = traps.iter().filter_map(|(at, _)| Some((*at, position(*at)?)));
            // Calls are recorded at the byte before the return address, which itself may be a trapping instruction.
            let calls = buffer.call_sites().map(|call| call.ret_addr - 1);
            let calls = calls.filter_map(|at| Some((at, position(at)?)));
            sites.extend(traps.chain(calls));
        }
        // About as much as processors fetch at a time.
        let align = buffer.alignment.max(32);
        let calls = buffer.call_sites().next().is_some();
        // What lies below the frame pointer, plus the saved frame pointer and the return address.
        let frame = buffer.frame_layout().map_or(0, |frame| frame.frame_to_fp_offset) + 16;
        let sites = sites.into_iter().collect();
        Ok(Compiled {
            piece,
            entry: None,
            types: Vec::new(),
            code,
            align,
            relocations,
            traps,
            sites,
            inlined: Vec::new(),
            frame,
            calls,
        })
    }
}

/// Cranelift's settings.
///
/// # Errors
/// If Cranelift doesn't know one of the names.
pub(crate) fn flags(
    canonical_nans: bool,
    spectre: bool,
    verify: bool,
) -> Result<settings::Flags, settings::SetError> {
    use settings::Configurable;
    let mut flags = settings::builder();
    flags.set("opt_level", "speed")?;
    flags.set("preserve_frame_pointers", "true")?;
    // Stack probes: large frames touch each of their pages, since the stack grows by faults and ends in one.
    flags.set("enable_probestack", "true")?;
    flags.set("probestack_strategy", "inline")?;
    flags.set("probestack_size_log2", "12")?;
    flags.set("unwind_info", "false")?;
    flags.set("enable_verifier", if verify { "true" } else { "false" })?;
    flags.set("enable_nan_canonicalization", if canonical_nans { "true" } else { "false" })?;
    for name in ["enable_heap_access_spectre_mitigation", "enable_table_access_spectre_mitigation"] {
        flags.set(name, if spectre { "true" } else { "false" })?;
    }
    Ok(settings::Flags::new(flags))
}

/// Enables signing of return addresses in code for aarch64.
///
/// # Errors
/// If Cranelift doesn't know the name.
pub(crate) fn protect_branches(builder: &mut isa::Builder) -> Result<(), settings::SetError> {
    use settings::Configurable;
    if builder.triple().architecture.to_string().starts_with("aarch64") {
        builder.enable("sign_return_address")?;
    }
    Ok(())
}
