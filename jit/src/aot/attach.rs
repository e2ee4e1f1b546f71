//! Attaches the code of a precompiled file to a module.

use super::read::Precompiled;
use crate::list::List;
use crate::piece::{Piece, Placed};
use crate::runtime::{self, CodeChunk};
use crate::tier::Jit;
use dunlin::tier::View;
use dunlin::{Kind, Module};
use std::fmt;

/// Why the code of a precompiled file isn't used.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Mismatch {
    /// The file is damaged.
    Damaged,
    /// The file can't be read, for this reason.
    Unreadable(String),
    /// The file has another format.
    Format,
    /// It was made by another version of the engine, or another build.
    Engine(String),
    /// It was made for another architecture.
    Arch(String),
    /// It needs this processor feature.
    Feature(String),
    /// It counts fuel (true) or doesn't (false), and the engine differs.
    Fuel(bool),
    /// Its NaNs are canonical (true) or aren't (false), and the engine differs.
    Nans(bool),
    /// It can't be suspended, and the engine requires that.
    Suspension,
    /// It needs guard regions, which the module's memories lack.
    Guards,
    /// It lacks the Spectre mitigations that the tier's options demand.
    Spectre,
    /// It isn't for this module.
    Module,
    /// There is no memory for it.
    Memory(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Damaged => f.write_str("it is damaged"),
            Mismatch::Unreadable(why) => write!(f, "it can't be read: {why}"),
            Mismatch::Format => f.write_str("it has another version's format"),
            Mismatch::Engine(version) if version == env!("CARGO_PKG_VERSION") => {
                write!(f, "it was made by another build of dunlin {version}")
            }
            Mismatch::Engine(version) => write!(f, "it was made by dunlin {}", version.escape_debug()),
            Mismatch::Arch(arch) => write!(f, "it is for {}", arch.escape_debug()),
            Mismatch::Feature(name) => write!(f, "this processor lacks {}", name.escape_debug()),
            Mismatch::Fuel(true) => f.write_str("it counts fuel"),
            Mismatch::Fuel(false) => f.write_str("it doesn't count fuel"),
            Mismatch::Nans(true) => f.write_str("its NaNs are canonical"),
            Mismatch::Nans(false) => f.write_str("its NaNs aren't canonical"),
            Mismatch::Suspension => f.write_str("it can't be suspended"),
            Mismatch::Guards => f.write_str("it needs memory guards"),
            Mismatch::Spectre => f.write_str("it does nothing against speculation"),
            Mismatch::Module => f.write_str("it isn't for this module"),
            Mismatch::Memory(why) => write!(f, "there is no memory for it: {why}"),
        }
    }
}

impl std::error::Error for Mismatch {}

impl Jit {
    /// Attaches this code to the module, which must come from the same file.
    ///
    /// The caller vouches for trust in the file's maker: see [this module's documentation](crate::aot).
    ///
    /// # Errors
    /// If the code isn't for the module, its engine, this tier or this machine.
    pub fn attach(&self, module: &Module, precompiled: &Precompiled) -> Result<(), Mismatch> {
        let view = View::new(module);
        let thrown_away = view.thrown_away();
        self.check(view, precompiled)?;
        let memory = |error: &dyn fmt::Display| Mismatch::Memory(error.to_string());
        let code = precompiled.code();
        let bytes = CodeChunk::bytes(code.len(), &precompiled.map);
        let charge = view.cache().charge(Kind::MachineCode, bytes).map_err(|error| memory(&error))?;
        let chunk = CodeChunk::new(code, precompiled.map.clone()).map_err(|error| memory(&error))?;
        view.keep(Box::new(chunk.clone()), charge).map_err(|error| memory(&error))?;
        let publish = || runtime::publish(view, &chunk, &precompiled.pieces);
        // If code was evicted since, that may be because it relied on guard regions.
        let published = view.hand_in(thrown_away, publish).ok_or(Mismatch::Guards)?;
        published.map_err(|error| memory(&error))?;
        self.attached(precompiled.functions() as u64, bytes);
        Ok(())
    }

    fn check(&self, view: View<'_>, precompiled: &Precompiled) -> Result<(), Mismatch> {
        let settings = precompiled.settings();
        if settings.arch != std::env::consts::ARCH {
            return Err(Mismatch::Arch(settings.to_string()));
        }
        if let Some(name) = settings.missing_feature() {
            return Err(Mismatch::Feature(name.to_owned()));
        }
        if settings.fuel != view.consumes_fuel() {
            return Err(Mismatch::Fuel(settings.fuel));
        }
        if settings.canonical_nans != view.canonical_nans() {
            return Err(Mismatch::Nans(settings.canonical_nans));
        }
        if view.suspends() {
            return Err(Mismatch::Suspension);
        }
        if settings.guarded && !view.guards_memories() {
            return Err(Mismatch::Guards);
        }
        if self.wants_spectre_mitigations() && !settings.spectre {
            return Err(Mismatch::Spectre);
        }
        if self.fits(view, &precompiled.pieces)? { Ok(()) } else { Err(Mismatch::Module) }
    }

    /// Whether everything that the pieces refer to is in the module, each trampoline is followed by its stub, each
    /// function's type has a trampoline, and there is a bridge.
    fn fits(&self, view: View<'_>, pieces: &[Placed]) -> Result<bool, Mismatch> {
        let (funcs, types) = (view.defined_funcs(), view.types().len());
        let mut has_type = List::filled(view.cache(), Kind::MachineCode, false, types)
            .map_err(|error| Mismatch::Memory(error.to_string()))?;
        let mut has_bridge = false;
        for (at, placed) in pieces.iter().enumerate() {
            let is_there = match placed.piece {
                Piece::Func(index) | Piece::Detour(index) => index < funcs,
                Piece::Loop(..) => false,
                Piece::Trampoline(ty) => {
                    let next = pieces.get(at + 1).map(|next| next.piece);
                    let known = has_type.get_mut(ty as usize).map(|has| *has = true);
                    known.is_some() && next == Some(Piece::Stub(ty))
                }
                Piece::Stub(ty) => at > 0 && pieces[at - 1].piece == Piece::Trampoline(ty),
                Piece::Bridge => {
                    has_bridge = true;
                    true
                }
            };
            if !is_there {
                return Ok(false);
            }
        }
        let is_enterable = |placed: &Placed| match placed.piece {
            Piece::Func(index) => has_type[view.type_of(view.imported_funcs() + index) as usize],
            _ => true,
        };
        Ok(has_bridge && pieces.iter().all(is_enterable))
    }
}
