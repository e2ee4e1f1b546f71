//! The loader's state, and how it pays for what it is about to hold.

use super::branch_hints::BranchHints;
use super::cost;
use super::framing::{Order, SectionId};
use super::name_section::NameSection;
use super::quick::QuickCheck;
use super::window::Admission;
use crate::memory::arena::Arena;
use crate::memory::limits::Limits;
use crate::memory::pages::Guard;
use crate::memory::{Budget, Buf, Charge, Kind, MemoryError, at_hand, third_party};
use crate::module::bodies::{self, BodyRecord, Chunk};
use crate::module::estimate::BodyStats;
use crate::module::features::Features;
use crate::module::load_error::{ErrorKind, LoadError};
#[cfg(feature = "snapshot")]
use crate::module::origin::Digesting;
#[cfg(any(feature = "coredump", feature = "snapshot"))]
use crate::module::validated::Validated;
use crate::module::{ModuleInner, SectionInfo};
use crate::sys::refuses_mappings;
use crate::words::Count;
use wasmparser::{FuncValidatorAllocations, FunctionBody, Validator};

/// What a probe looks for besides what it is made for, so that a small module takes a single one.
const SPARE: u64 = 1 << 20;

/// How to load.
#[derive(Debug, Default)]
pub(crate) struct LoadOptions {
    /// Where bodies stay: in what the bytes come from, they are left there and read again when needed.
    pub(crate) bodies: bodies::Source,
    /// Don't keep function names.
    pub(crate) skip_names: bool,
    /// The module will be instantiated once: its active data segments go straight into its memories.
    pub(crate) one_instance: bool,
    pub(crate) limits: Limits,
    /// Whether memories have guard regions.
    pub(crate) guard: Guard,
    /// What memories are taken from, if it isn't the system.
    pub(crate) arena: Option<Arena>,
    /// Keep a digest of the bytes.
    #[cfg(feature = "snapshot")]
    pub(crate) digest: bool,
    /// Keep what the validator knows, so that bodies can be validated again.
    #[cfg(any(feature = "coredump", feature = "snapshot"))]
    pub(crate) keep_validated: bool,
}

/// A further check of each function body that validation has accepted.
pub(crate) trait BodyCheck {
    /// Refuses the body, or lets it pass.
    ///
    /// The module lacks what comes after the code section, and its bodies.
    fn body(
        &mut self,
        module: &ModuleInner,
        func_index: u32,
        body: &FunctionBody<'_>,
        stats: BodyStats,
    ) -> Result<(), LoadError>;
}

/// Accepts every valid body.
#[derive(Debug, Default)]
pub(crate) struct AcceptAll;

impl BodyCheck for AcceptAll {
    fn body(&mut self, _: &ModuleInner, _: u32, _: &FunctionBody<'_>, _: BodyStats) -> Result<(), LoadError> {
        Ok(())
    }
}

/// Where the loader is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    Header,
    /// Between sections.
    SectionStart,
    /// Before the contents of a section that is needed whole.
    Whole {
        id: SectionId,
        len: u32,
    },
    CodeCount {
        len: u32,
    },
    Body {
        remaining: u32,
        len: u32,
    },
    DataCount {
        len: u32,
    },
    DataSegment {
        remaining: u32,
        len: u32,
    },
    /// In the payload of a segment. `len` counts what follows it in the section.
    DataPayload {
        remaining: u32,
        payload: u32,
        len: u32,
    },
    CustomName {
        len: u32,
    },
    CustomSkip {
        len: u32,
    },
    Names {
        len: u32,
    },
    BranchHints {
        len: u32,
    },
}

/// What a step did with the bytes it saw.
pub(super) enum Step {
    /// It took this many.
    Took(usize),
    /// It needs this many; if the input ends before, the error is that of reading at `eof_at`.
    More { wanted: usize, eof_at: u64 },
}

/// Everything but the bytes.
pub(super) struct Core<C> {
    pub(super) phase: Phase,
    /// The offset of the first byte that has not been taken.
    pub(super) offset: u64,
    /// The section it is in: its kind, and where its contents start.
    pub(super) section: Option<SectionId>,
    pub(super) section_offset: u64,
    pub(super) order: Order,
    pub(super) validator: Validator,
    pub(super) allocations: FuncValidatorAllocations,
    pub(super) quick: QuickCheck,
    pub(super) features: Features,
    pub(super) budget: Budget,
    /// What has been charged to `scratch`.
    pub(super) paid_base: bool,
    pub(super) paid_local_groups: u32,
    pub(super) paid_catches: u32,
    pub(super) paid_operands: u32,
    pub(super) paid_depth: u32,
    /// Beyond these, more has to be charged before the next instruction.
    pub(super) most_operands: u32,
    pub(super) most_depth: u32,
    pub(super) module: ModuleInner,
    pub(super) records: Buf<BodyRecord>,
    pub(super) body_chunks: Buf<Chunk>,
    pub(super) bodies: bodies::Source,
    /// Of bodies in a file.
    #[cfg(feature = "std")]
    pub(super) hashes: Buf<u128>,
    pub(super) data_bytes: Buf<u8>,
    pub(super) data_bound: usize,
    pub(super) segments: Buf<crate::module::DataSegment>,
    pub(super) sections: Buf<SectionInfo>,
    pub(super) names: NameSection,
    pub(super) branch_hints: BranchHints,
    /// What the budget's peak was when the first name came.
    pub(super) peak_before_names: Option<u64>,
    pub(super) skip_names: bool,
    pub(super) limits: Limits,
    pub(super) guard: Guard,
    pub(super) arena: Option<Arena>,
    /// Whether active data segments may still be written straight into memory images.
    pub(super) fill_images: bool,
    /// Where the current payload goes: into which image, and from where on.
    pub(super) into_image: Option<(usize, u64)>,
    pub(super) check: C,
    /// The digest of what has come.
    #[cfg(feature = "snapshot")]
    pub(super) digest: Option<Digesting>,
    /// What the validator knows, if the module is to keep that.
    #[cfg(any(feature = "coredump", feature = "snapshot"))]
    pub(super) validated: Option<Validated>,
    /// For the window.
    pub(super) admission: Admission,
    /// For what the validator holds.
    pub(super) scratch: Charge,
    /// The most that may be charged until there must be another probe, with `scratch` counted twice.
    pub(super) enough_for: u64,
}

impl<C: BodyCheck> Core<C> {
    /// The state before the first byte of a module that draws on `budget`.
    pub(super) fn new(
        features: Features,
        budget: &Budget,
        options: LoadOptions,
        check: C,
    ) -> Result<Core<C>, MemoryError> {
        // A separate budget, to measure what loading takes.
        let budget = budget.try_part()?;
        Ok(Core {
            phase: Phase::Header,
            offset: 0,
            section: None,
            section_offset: 0,
            order: Order::default(),
            validator: Validator::new_with_features(features.of_sections()),
            features,
            allocations: FuncValidatorAllocations::default(),
            quick: QuickCheck::new(features, &budget),
            admission: Admission::new(&budget),
            scratch: budget.nothing(Kind::Metadata),
            enough_for: 0,
            paid_base: false,
            paid_local_groups: 0,
            paid_catches: 0,
            paid_operands: 0,
            paid_depth: 0,
            most_operands: 0,
            most_depth: 0,
            module: ModuleInner::empty(features, &budget, options.one_instance),
            records: Buf::new(&budget, Kind::Bodies),
            body_chunks: Buf::new(&budget, Kind::Bodies),
            bodies: options.bodies,
            #[cfg(feature = "std")]
            hashes: Buf::new(&budget, Kind::Bodies),
            data_bytes: Buf::new(&budget, Kind::Data),
            data_bound: 0,
            segments: Buf::new(&budget, Kind::Metadata),
            sections: Buf::new(&budget, Kind::Metadata),
            names: NameSection::new(&budget),
            branch_hints: BranchHints::new(&budget),
            peak_before_names: None,
            skip_names: options.skip_names,
            limits: options.limits,
            guard: options.guard,
            arena: options.arena,
            fill_images: options.one_instance,
            into_image: None,
            check,
            #[cfg(feature = "snapshot")]
            digest: options.digest.then(Digesting::default),
            #[cfg(any(feature = "coredump", feature = "snapshot"))]
            validated: options
                .keep_validated
                .then(|| Validated { resources: None, charge: budget.nothing(Kind::Metadata) }),
            budget,
        })
    }

    /// Charges for what is needed whatever the module.
    pub(super) fn begin(&mut self) -> Result<(), LoadError> {
        if !self.paid_base {
            self.admit(1)?;
            self.pay(cost::BASE)?;
            self.paid_base = true;
        }
        Ok(())
    }

    /// Charges for an item that has to be seen whole.
    pub(super) fn admit(&mut self, len: usize) -> Result<(), LoadError> {
        self.admission.admit(len, len).map_err(|error| LoadError::memory(error, self.offset))
    }

    /// Runs the validator on something.
    pub(super) fn validated(
        &mut self,
        see: impl FnOnce(&mut Validator) -> wasmparser::Result<()>,
    ) -> Result<(), LoadError> {
        self.probe()?;
        third_party(|| see(&mut self.validator)).map_err(LoadError::invalid)
    }

    pub(super) fn invalid(&self, message: impl core::fmt::Display, offset: u64) -> LoadError {
        LoadError::new(ErrorKind::Invalid, message, offset)
    }

    /// Refuses more than `limit` of something.
    pub(super) fn limited(&self, what: &'static str, count: u64, limit: u64) -> Result<(), LoadError> {
        if count <= limit {
            return Ok(());
        }
        let message = format_args!("module has more than {}", Count(limit, what));
        Err(LoadError::new(ErrorKind::Limit, message, self.section_offset))
    }

    pub(super) fn memory<E: Into<MemoryError>>(&self) -> impl Fn(E) -> LoadError + use<C, E> {
        let offset = self.offset;
        move |error| LoadError::memory(error, offset)
    }

    /// Charges for what the validator may hold of its next input.
    pub(super) fn pay(&mut self, bytes: u64) -> Result<(), LoadError> {
        self.scratch.grow(bytes).map_err(self.memory())?;
        // Called for each body, but hardly ever with more than before, so the probe is skipped.
        if bytes > 0 { self.probe() } else { Ok(()) }
    }

    /// Probes again for what has been charged, since the loader may have allocated meanwhile, unless the last probe found
    /// enough for that too.
    pub(super) fn probe(&mut self) -> Result<(), LoadError> {
        // What is charged for the validator is looked for twice.
        let needed = self.budget.used() + self.scratch.bytes();
        if needed <= self.enough_for && !refuses_mappings() {
            return Ok(());
        }
        if at_hand(Kind::Metadata, self.scratch.bytes() + SPARE / 2).is_err() {
            return self.probe_for_no_more();
        }
        self.enough_for = needed + SPARE;
        Ok(())
    }

    /// Probes for just what has been charged.
    pub(super) fn probe_for_no_more(&self) -> Result<(), LoadError> {
        at_hand(Kind::Metadata, self.scratch.bytes()).map_err(self.memory())
    }
}
