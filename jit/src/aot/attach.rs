//! Attaches the code of a precompiled file to a module.

use super::mismatch::Mismatch;
use super::read::Precompiled;
use crate::charged_vec::ChargedVec;
use crate::code::{Piece, Placed};
use crate::runtime::{self, CodeChunk};
use crate::tier::Jit;
use dunlin::tier::View;
use dunlin::{Kind, Module};
use std::fmt;

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
        let publish = || runtime::publish(view, &chunk, &precompiled.pieces, self.perf_map());
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
        if settings.relaxed_simd != view.relaxed_simd() {
            return Err(Mismatch::RelaxedSimd);
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
        let mut has_type = ChargedVec::filled(view.cache(), Kind::MachineCode, false, types)
            .map_err(|error| Mismatch::Memory(error.to_string()))?;
        let mut has_bridge = false;
        for (at, placed) in pieces.iter().enumerate() {
            let is_there = match placed.piece {
                Piece::Func(index) | Piece::Detour(index) => index < funcs,
                Piece::Loop(..) | Piece::Island(..) => false,
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
