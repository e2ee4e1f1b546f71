//! Whether, when and how what is run gets compiled: the options, and the tier that they ask for.

use crate::failure::Failure;
use crate::json::Json;
#[cfg(feature = "precompiled")]
use crate::{json::object, output::complain};
use dunlin::Config;
#[cfg(feature = "precompiled")]
use std::sync::Arc;

/// When functions are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// While the interpreter goes on.
    Background,
    /// When they are found to be executed often.
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

/// What was asked for.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tiering {
    mode: Option<Mode>,
    /// Whether memories have guard regions; `None` is if they can be had.
    guards: Option<bool>,
    threshold: Option<u32>,
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

    /// `--profile` is given too.
    pub(crate) fn profiling(&mut self) -> Result<(), Failure> {
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

    /// The same, with memories that don't have to be guarded; `None` if that is no other.
    pub(crate) fn without_guards(&self) -> Option<Self> {
        self.guards.is_none().then(|| Self { guards: Some(false), ..self.clone() })
    }

    /// When functions are compiled.
    pub(crate) fn mode(&self) -> Mode {
        match self.mode {
            Some(mode) => mode,
            None if !cfg!(feature = "jit") => Mode::Off,
            None if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) => {
                Mode::Background
            }
            None => Mode::Sync,
        }
    }

    /// Configures an engine with the tier that was asked for, if it can be had. If it can't, that is told to whoever
    /// named it.
    #[cfg(feature = "precompiled")]
    pub(crate) fn apply(&self, config: &mut Config) -> Made {
        use dunlin_jit::{Jit, MemoryGuard};
        let mode = match self.mode() {
            Mode::Background => dunlin_jit::Mode::Background,
            Mode::Sync => dunlin_jit::Mode::Sync,
            Mode::Eager => dunlin_jit::Mode::Eager,
            Mode::Off => return Made::default(),
        };
        let mut options = Jit::options();
        options.mode(mode).memory_guard(match self.guards {
            Some(true) => MemoryGuard::On,
            Some(false) => MemoryGuard::Off,
            None => MemoryGuard::Auto,
        });
        if let Some(threshold) = self.threshold {
            options.threshold(threshold);
        }
        match Jit::new(&options) {
            Ok(jit) => {
                config.tier(jit.clone());
                Made(Some((self.mode(), jit)))
            }
            Err(why) => {
                if self.mode.is_some() {
                    complain(format_args!("warning: {why}, so everything is interpreted"));
                }
                Made::default()
            }
        }
    }

    /// There is none in this build.
    #[cfg(not(feature = "precompiled"))]
    pub(crate) fn apply(&self, _: &mut Config) -> Made {
        Made
    }
}

/// The tier there is.
#[cfg(feature = "precompiled")]
#[derive(Clone, Default, Debug)]
pub(crate) struct Made(Option<(Mode, Arc<dunlin_jit::Jit>)>);

/// The tier there is: none.
#[cfg(not(feature = "precompiled"))]
#[derive(Clone, Default, Debug)]
pub(crate) struct Made;

#[cfg(feature = "precompiled")]
impl Made {
    /// Whether memories have guard regions.
    pub(crate) fn guards_memories(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, jit)| jit.guards_memories())
    }

    /// What it has done, for the report.
    pub(crate) fn report(&self) -> Json {
        let Some((mode, jit)) = &self.0 else { return Json::Null };
        let stats = jit.stats();
        let declined = stats.declined.into_iter().map(|(why, count)| (why, count.into()));
        object([
            ("mode", mode.name().into()),
            ("memory_guard", jit.guards_memories().into()),
            ("functions_compiled", stats.functions.into()),
            ("loops_compiled", stats.loops.into()),
            ("osr_entries", stats.osr_entries.into()),
            ("compile_seconds", (stats.compile_time.as_micros() as f64 / 1e6).into()),
            ("code_bytes", stats.code_bytes.into()),
            ("declined", Json::Object(declined.collect())),
        ])
    }
}

#[cfg(not(feature = "precompiled"))]
impl Made {
    pub(crate) fn guards_memories(&self) -> bool {
        false
    }

    pub(crate) fn report(&self) -> Json {
        Json::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "jit")]
    fn a_profile_is_the_interpreters() {
        let mut tiering = Tiering::default();
        tiering.profiling().unwrap();
        assert_eq!(tiering.mode(), Mode::Off);
        tiering.jit("sync").unwrap();
        assert!(tiering.profiling().unwrap_err().message.contains("--jit sync"));
    }

    #[test]
    fn what_was_asked_for_is_not_given_up() {
        let mut tiering = Tiering::default();
        assert!(tiering.without_guards().unwrap().without_guards().is_none());
        tiering.memory_guard("on").unwrap();
        assert_eq!(tiering.without_guards(), None);
    }
}
