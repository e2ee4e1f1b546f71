//! The compiled tier, as the options about compilation configure it.

use crate::args::tiering::Tiering;
#[cfg(feature = "precompiled")]
use crate::args::tiering::{JitMode, Trust};
use crate::failure::Failure;
#[cfg(feature = "precompiled")]
use crate::failure::io_reason;
use crate::modules::precompiled::PrecompiledCode;
use crate::output::json::Json;
#[cfg(feature = "precompiled")]
use crate::output::{complain, json::object};
use dunlin::{Config, Module};
#[cfg(feature = "precompiled")]
use dunlin_jit::{Jit, aot::Mismatch};
#[cfg(feature = "precompiled")]
use std::fs::{File, OpenOptions};
#[cfg(feature = "precompiled")]
use std::io;
#[cfg(feature = "precompiled")]
use std::sync::Arc;

/// The tier.
#[cfg(feature = "precompiled")]
#[derive(Clone, Debug)]
pub(crate) struct Tier {
    jit: Option<Arc<Jit>>,
    /// Why there is none, if one was asked for.
    unavailable: Option<String>,
    /// The options about compilation.
    asked: Tiering,
}

#[cfg(feature = "precompiled")]
impl Tier {
    /// Configures an engine with the tier that is asked for, if it is available. If it isn't, and an option
    /// named it, there is a warning.
    pub(crate) fn configure(asked: &Tiering, config: &mut Config) -> Self {
        use dunlin_jit::{CacheFull, MemoryGuard};
        let made = |jit, unavailable| Self { jit, unavailable, asked: asked.clone() };
        let may_attach = asked.precompiled != Trust::Refused;
        let mode = match asked.mode() {
            JitMode::Background => dunlin_jit::Mode::Background,
            JitMode::Sync => dunlin_jit::Mode::Sync,
            // Functions that were compiled ahead of time must not be compiled again, and their code is only known once
            // the module has been loaded.
            JitMode::Eager if may_attach => dunlin_jit::Mode::Sync,
            JitMode::Eager => dunlin_jit::Mode::Eager,
            JitMode::Off if may_attach => dunlin_jit::Mode::Off,
            JitMode::Off => return made(None, None),
        };
        let mut options = Jit::options();
        options.mode(mode).memory_guard(match asked.guards {
            Some(true) => MemoryGuard::On,
            Some(false) => MemoryGuard::Off,
            None => MemoryGuard::Auto,
        });
        if asked.stops_when_full {
            options.cache_full(CacheFull::Stop);
        }
        if let Some(threshold) = asked.threshold {
            options.threshold(threshold);
        }
        if asked.perf_map {
            match create_perf_map() {
                Ok(file) => _ = options.perf_map(file),
                Err((path, why)) => {
                    complain(format_args!("warning: --profile perfmap: {path}: {}", io_reason(&why)))
                }
            }
        }
        match Jit::new(&options) {
            Ok(jit) => {
                config.tier(jit.clone());
                made(Some(jit), None)
            }
            Err(why) => {
                // If machine code is required, that fails later instead.
                if asked.mode.is_some() && asked.precompiled != Trust::Required {
                    complain(format_args!("warning: {why}, so everything is interpreted"));
                }
                made(None, Some(why.to_string()))
            }
        }
    }

    /// Prepares a loaded module, with the machine code that came with it, if there is any. If that can't be used, the
    /// module is executed without it.
    pub(crate) fn prepare(
        &self,
        name: &str,
        module: &Module,
        code: Option<PrecompiledCode>,
    ) -> Result<(), Failure> {
        if let Some(code) = code
            && let Err(why) = self.attach(module, code)
        {
            if self.asked.precompiled == Trust::Required {
                return Err(Failure::unusable(format_args!("{name}: its machine code can't be used: {why}")));
            }
            // If a compiler was asked for, a warning has already said that there is none.
            if self.unavailable.is_none() || self.asked.mode.is_none() {
                complain(format_args!("warning: {name}: its machine code isn't used: {why}"));
            }
        }
        #[cfg(feature = "jit")]
        if let Some(jit) = &self.jit {
            if self.asked.mode() == JitMode::Eager {
                jit.compile(module);
            }
            // This process runs no other module, so it never drops this one: if there is a budget, that waits until the
            // compiler has given up what it is at.
            std::mem::forget(module.clone());
        }
        Ok(())
    }

    fn attach(&self, module: &Module, code: PrecompiledCode) -> Result<(), String> {
        let Some(jit) = &self.jit else {
            return Err(self.unavailable.clone().unwrap_or_default());
        };
        let code = code.code(module.engine().budget()).map_err(|why| why.to_string())?;
        jit.attach(module, &code).map_err(|why| match why {
            Mismatch::Fuel(false) => {
                format!(
                    "{why}, as --fuel, --report and --profile want: compile it with dunlin compile --fuel"
                )
            }
            Mismatch::Fuel(true) => format!("{why}, which only --fuel, --report and --profile want"),
            Mismatch::Guards => {
                format!("{why}, for which there is too little address space or --memory-guard off")
            }
            why => why.to_string(),
        })
    }

    /// The tier's statistics, for the report.
    pub(crate) fn report(&self) -> Json {
        let Some(jit) = &self.jit else { return Json::Null };
        let stats = jit.stats();
        let declined = stats.declined.into_iter().map(|(why, count)| (why, count.into()));
        object([
            ("mode", self.asked.mode().name().into()),
            ("memory_guard", jit.guards_memories().into()),
            ("functions_precompiled", stats.precompiled.into()),
            ("functions_compiled", stats.functions.into()),
            ("loops_compiled", stats.loops.into()),
            ("osr_entries", stats.osr_entries.into()),
            ("compile_seconds", (stats.compile_time.as_micros() as f64 / 1e6).into()),
            ("code_bytes", stats.code_bytes.into()),
            ("declined", Json::Object(declined.collect())),
        ])
    }
}

/// The file that `perf` looks for. Anybody may write to its folder, so what is there by that name is not followed.
#[cfg(feature = "precompiled")]
fn create_perf_map() -> Result<File, (String, io::Error)> {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    // Left by a process that had the same number.
    let _ = std::fs::remove_file(&path);
    OpenOptions::new().append(true).create_new(true).open(&path).map_err(|why| (path, why))
}

/// The tier, in a build without one.
#[cfg(not(feature = "precompiled"))]
#[derive(Clone, Debug)]
pub(crate) struct Tier;

#[cfg(not(feature = "precompiled"))]
impl Tier {
    pub(crate) fn configure(_: &Tiering, _: &mut Config) -> Self {
        Self
    }

    pub(crate) fn prepare(&self, _: &str, _: &Module, _: Option<PrecompiledCode>) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) fn report(&self) -> Json {
        Json::Null
    }
}
