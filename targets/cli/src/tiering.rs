//! The options about compilation, and the tier that they configure.

use crate::failure::Failure;
use crate::json::Json;
use crate::precompiled::Code;
#[cfg(feature = "precompiled")]
use crate::{json::object, output::complain};
use dunlin::{Config, Module};
#[cfg(feature = "precompiled")]
use dunlin_jit::{Jit, aot::Mismatch};
#[cfg(feature = "precompiled")]
use std::sync::Arc;

/// When functions are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// On another thread, while the interpreter continues.
    Background,
    /// When they become hot, with the guest waiting.
    Sync,
    /// Before the first instruction.
    Eager,
    /// Never.
    Off,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Background => "background",
            Mode::Sync => "sync",
            Mode::Eager => "eager",
            Mode::Off => "off",
        }
    }
}

/// The options about compilation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tiering {
    mode: Option<Mode>,
    /// Whether memories have guard regions; `None` means where address space allows.
    guards: Option<bool>,
    threshold: Option<u32>,
    stops_when_full: bool,
    precompiled: Trust,
    profiling: bool,
    budgeted: bool,
}

/// Whether machine code from a file is trusted.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Debug)]
enum Trust {
    #[default]
    Refused,
    Allowed,
    /// A file without machine code is refused.
    Required,
}

impl Tiering {
    /// `--jit`
    pub(crate) fn jit(&mut self, text: &str) -> Result<(), Failure> {
        let modes = [Mode::Background, Mode::Sync, Mode::Eager, Mode::Off];
        let mode = modes.into_iter().find(|mode| mode.name() == text).ok_or_else(|| {
            Failure::usage(format_args!("--jit takes background, sync, eager or off, not '{text}'"))
        })?;
        if mode != Mode::Off && !cfg!(feature = "jit") {
            return Err(Failure::usage(
                "this build of dunlin has no compiler, so --jit only takes off: build it with the feature 'jit'",
            ));
        }
        self.mode = Some(mode);
        Ok(())
    }

    /// `--jit-threshold`
    pub(crate) fn threshold(&mut self, text: &str) -> Result<(), Failure> {
        let number = text.replace('_', "").parse().map_err(|_| {
            Failure::usage(format_args!(
                "--jit-threshold takes a whole number from 0 to {}, not '{text}'",
                u32::MAX
            ))
        })?;
        self.threshold = Some(number);
        Ok(())
    }

    /// `--jit-cache-full`
    pub(crate) fn cache_full(&mut self, text: &str) -> Result<(), Failure> {
        self.stops_when_full = match text {
            "stop" => true,
            "evict" => false,
            _ => {
                return Err(Failure::usage(format_args!(
                    "--jit-cache-full takes evict or stop, not '{text}'"
                )));
            }
        };
        Ok(())
    }

    /// `--memory-guard`
    pub(crate) fn memory_guard(&mut self, text: &str) -> Result<(), Failure> {
        self.guards = match text {
            "on" => Some(true),
            "off" => Some(false),
            "auto" => None,
            _ => {
                return Err(Failure::usage(format_args!(
                    "--memory-guard takes on, off or auto, not '{text}'"
                )));
            }
        };
        Ok(())
    }

    /// `--allow-precompiled`
    pub(crate) fn allow_precompiled(&mut self) -> Result<(), Failure> {
        self.trust(Trust::Allowed, "--allow-precompiled")
    }

    /// `--require-precompiled`
    pub(crate) fn require_precompiled(&mut self) -> Result<(), Failure> {
        self.trust(Trust::Required, "--require-precompiled")
    }

    fn trust(&mut self, trust: Trust, option: &str) -> Result<(), Failure> {
        if !cfg!(feature = "precompiled") {
            return Err(Failure::usage(format_args!(
                "this build of dunlin runs no machine code, so there is no {option}: build it with the feature \
                 'precompiled'"
            )));
        }
        if self.precompiled < trust {
            self.precompiled = trust;
        }
        Ok(())
    }

    /// Whether a file with machine code, or without, may be run.
    pub(crate) fn admit(&self, name: &str, is_precompiled: bool) -> Result<(), Failure> {
        match self.precompiled {
            Trust::Refused if is_precompiled => Err(Failure::usage(format_args!(
                "{name}: there is machine code in it, which nothing confines: if you trust its maker, run it with \
                 --allow-precompiled"
            ))),
            Trust::Required if !is_precompiled => Err(Failure::unusable(format_args!(
                "{name}: there is no machine code in it, which --require-precompiled asks for"
            ))),
            _ => Ok(()),
        }
    }

    /// Called if `--memory-budget` is given too. A background compiler's memory would come and go in the budget at
    /// unpredictable times, so that the program would be refused memory in one run and not in the next.
    pub(crate) fn budgeted(&mut self) {
        self.budgeted = true;
    }

    /// Called if `--profile` is given too.
    pub(crate) fn profiling(&mut self) -> Result<(), Failure> {
        if self.precompiled == Trust::Required {
            return Err(Failure::usage(
                "--profile counts what the interpreter does, so it doesn't go with --require-precompiled",
            ));
        }
        self.profiling = true;
        match self.mode {
            None | Some(Mode::Off) => {
                self.mode = Some(Mode::Off);
                Ok(())
            }
            Some(mode) => Err(Failure::usage(format_args!(
                "--profile counts what the interpreter does, so it doesn't go with --jit {}",
                mode.name()
            ))),
        }
    }

    /// When functions are compiled.
    #[cfg(feature = "precompiled")]
    pub(crate) fn mode(&self) -> Mode {
        match self.mode {
            Some(mode) => mode,
            None if !cfg!(feature = "jit") => Mode::Off,
            None if self.budgeted => Mode::Sync,
            None if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) => {
                Mode::Background
            }
            None => Mode::Sync,
        }
    }

    /// Configures an engine with the tier that the options ask for, if it is available. If it isn't, and an option
    /// named it, there is a warning.
    #[cfg(feature = "precompiled")]
    pub(crate) fn apply(&self, config: &mut Config) -> Made {
        use dunlin_jit::{CacheFull, MemoryGuard};
        let may_attach = self.precompiled != Trust::Refused && !self.profiling;
        let mode = match self.mode() {
            Mode::Background => dunlin_jit::Mode::Background,
            Mode::Sync => dunlin_jit::Mode::Sync,
            // Functions that were compiled ahead of time must not be compiled again, and their code is only known once
            // the module has been loaded.
            Mode::Eager if may_attach => dunlin_jit::Mode::Sync,
            Mode::Eager => dunlin_jit::Mode::Eager,
            Mode::Off if may_attach => dunlin_jit::Mode::Off,
            Mode::Off => return self.made(None, None),
        };
        let mut options = Jit::options();
        options.mode(mode).memory_guard(match self.guards {
            Some(true) => MemoryGuard::On,
            Some(false) => MemoryGuard::Off,
            None => MemoryGuard::Auto,
        });
        if self.stops_when_full {
            options.cache_full(CacheFull::Stop);
        }
        if let Some(threshold) = self.threshold {
            options.threshold(threshold);
        }
        match Jit::new(&options) {
            Ok(jit) => {
                config.tier(jit.clone());
                self.made(Some(jit), None)
            }
            Err(why) => {
                // If machine code is required, that fails later instead.
                if self.mode.is_some() && self.precompiled != Trust::Required {
                    complain(format_args!("warning: {why}, so everything is interpreted"));
                }
                self.made(None, Some(why.to_string()))
            }
        }
    }

    #[cfg(feature = "precompiled")]
    fn made(&self, jit: Option<Arc<Jit>>, unavailable: Option<String>) -> Made {
        Made { jit, unavailable, asked: self.clone() }
    }

    /// This build has no tier.
    #[cfg(not(feature = "precompiled"))]
    pub(crate) fn apply(&self, _: &mut Config) -> Made {
        Made
    }
}

/// The tier.
#[cfg(feature = "precompiled")]
#[derive(Clone, Debug)]
pub(crate) struct Made {
    jit: Option<Arc<Jit>>,
    /// Why there is none, if one was asked for.
    unavailable: Option<String>,
    /// The options about compilation.
    asked: Tiering,
}

#[cfg(feature = "precompiled")]
impl Made {
    /// Prepares a loaded module, with the machine code that came with it, if there is any. If that can't be used, the
    /// module is executed without it.
    pub(crate) fn prepare(&self, name: &str, module: &Module, code: Option<Code>) -> Result<(), Failure> {
        if let Some(code) = code
            && !self.asked.profiling
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
        if let Some(jit) = &self.jit
            && self.asked.mode() == Mode::Eager
        {
            jit.compile(module);
        }
        Ok(())
    }

    fn attach(&self, module: &Module, code: Code) -> Result<(), String> {
        let Some(jit) = &self.jit else {
            return Err(self.unavailable.clone().unwrap_or_default());
        };
        let code = code.code(module.engine().budget()).map_err(|why| why.to_string())?;
        jit.attach(module, &code).map_err(|why| match why {
            Mismatch::Fuel(false) => {
                format!("{why}, as --fuel and --report want: compile it with dunlin compile --fuel")
            }
            Mismatch::Fuel(true) => format!("{why}, which only --fuel and --report want"),
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

/// The tier, in a build without one.
#[cfg(not(feature = "precompiled"))]
#[derive(Clone, Debug)]
pub(crate) struct Made;

#[cfg(not(feature = "precompiled"))]
impl Made {
    pub(crate) fn prepare(&self, _: &str, _: &Module, _: Option<Code>) -> Result<(), Failure> {
        Ok(())
    }

    pub(crate) fn report(&self) -> Json {
        Json::Null
    }
}

#[cfg(all(test, feature = "jit"))]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_the_interpreters() {
        let mut tiering = Tiering::default();
        tiering.profiling().unwrap();
        assert_eq!(tiering.mode(), Mode::Off);
        tiering.jit("sync").unwrap();
        assert!(tiering.profiling().unwrap_err().message.contains("--jit sync"));
    }
}
