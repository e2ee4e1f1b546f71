//! The compiled tier, and precompiled files. In a build without them, the functions are there, and say so.

use crate::boundary::exports;
use crate::engine::{EngineRef, wasm_config_t, wasm_engine_t};
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_module_t;
use crate::pointers::{Array, Byte, Handle, Out, Require, Text};
use crate::vec::{CVec, wasm_byte_vec_t};

#[cfg(feature = "jit")]
mod present {
    use super::*;
    use crate::module::handle;
    use crate::tier_choice::Choice;
    use dunlin::{Module, ModuleStream};
    use dunlin_jit::Mode;
    use dunlin_jit::aot::{Compile, Opened, Target, compile, open};

    pub(super) fn choose(config: &mut wasm_config_t, mode: i32) -> Result<()> {
        config.tier = Choice::of(match mode {
            0 => None,
            1 => Some(Mode::Background),
            2 => Some(Mode::Sync),
            3 => Some(Mode::Eager),
            4 => Some(Mode::Off),
            _ => return Err(Failure::argument(format_args!("there is no tier mode {mode}"))),
        });
        Ok(())
    }

    pub(super) fn precompile(engine: &EngineRef, bytes: &[u8], target: Option<&str>) -> Result<Vec<u8>> {
        let target = match target {
            Some(name) => Target::named(name),
            None => Target::here(),
        };
        let target = target.ok_or_else(|| Failure::argument("machine code can't be made for that target"))?;
        let mut stream = ModuleStream::new(engine.engine());
        stream.push(bytes)?;
        let module = stream.finish()?;
        Ok(compile(&module, bytes, &Compile::new(target)).map_err(Failure::other)?.bytes)
    }

    pub(super) fn load(engine: &EngineRef, bytes: &[u8]) -> Result<Box<wasm_module_t>> {
        let tier = engine.tier().ok_or_else(|| Failure::argument("the engine has no compiled tier"))?;
        let Opened::Precompiled(mut reader) = open(bytes).map_err(Failure::io)? else {
            return Err(Failure::argument("these bytes are no precompiled file"));
        };
        let module = Module::from_reader(engine.engine(), &mut reader)?;
        let code = reader.code(engine.engine().budget()).map_err(Failure::other)?;
        tier.attach(&module, &code).map_err(Failure::other)?;
        handle(None, module)
    }
}

#[cfg(not(feature = "jit"))]
mod absent {
    use super::*;

    fn absent<T>() -> Result<T> {
        Err(Failure::other("this build of Dunlin has no compiled tier"))
    }

    pub(super) fn choose(_: &mut wasm_config_t, mode: i32) -> Result<()> {
        if mode == 0 { Ok(()) } else { absent() }
    }

    pub(super) fn precompile(_: &EngineRef, _: &[u8], _: Option<&str>) -> Result<Vec<u8>> {
        absent()
    }

    pub(super) fn load(_: &EngineRef, _: &[u8]) -> Result<Box<wasm_module_t>> {
        absent()
    }
}

#[cfg(not(feature = "jit"))]
use absent as present;

exports! {
    fn dunlin_config_tier_set(config: Option<&mut wasm_config_t>, mode: i32) -> Outcome {
        present::choose(config.require()?, mode)
    }

    fn dunlin_module_precompile(
        engine: Handle<'_, wasm_engine_t>,
        bytes: Array<'_, Byte>,
        len: usize,
        target: Text<'_>,
        out: Out<'_, wasm_byte_vec_t>,
    ) -> Outcome {
        let target = target.get().map(|_| target.utf8()).transpose()?;
        let file = present::precompile(&engine.require()?.0, bytes.bytes(len)?, target);
        match file {
            Ok(file) => out.put(wasm_byte_vec_t::of_bytes(&file)),
            Err(failure) => {
                out.put(CVec::empty());
                return Err(failure);
            }
        }
        Ok(())
    }

    fn dunlin_module_new_precompiled(
        engine: Handle<'_, wasm_engine_t>,
        bytes: Array<'_, Byte>,
        len: usize,
        out: Out<'_, Option<Box<wasm_module_t>>>,
    ) -> Outcome {
        let (engine, out) = (engine.require()?, out.cleared()?);
        *out = Some(present::load(&engine.0, bytes.bytes(len)?)?);
        Ok(())
    }
}
