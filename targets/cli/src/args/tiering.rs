//! The options about compilation.

use super::values::{Given, set};
use crate::failure::Failure;

/// When functions are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JitMode {
    /// On another thread, while the interpreter continues.
    Background,
    /// When they become hot, with the guest waiting.
    Sync,
    /// Before the first instruction.
    Eager,
    /// Never.
    Off,
}

impl JitMode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            JitMode::Background => "background",
            JitMode::Sync => "sync",
            JitMode::Eager => "eager",
            JitMode::Off => "off",
        }
    }
}

/// The options about compilation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tiering {
    pub(crate) mode: Option<JitMode>,
    /// Whether memories have guard regions; `None` means where address space allows.
    pub(crate) guards: Option<bool>,
    pub(crate) threshold: Option<u32>,
    pub(crate) stops_when_full: bool,
    pub(crate) precompiled: Trust,
    /// Whether `perf` is told the names of machine code.
    pub(crate) perf_map: bool,
}

/// Whether machine code from a file is trusted.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Debug)]
pub(crate) enum Trust {
    #[default]
    Refused,
    Allowed,
    /// A file without machine code is refused.
    Required,
}

impl Tiering {
    /// `--jit`
    pub(super) fn jit(&mut self, given: Given<'_>) -> Result<(), Failure> {
        let text = given.text()?;
        let modes = [JitMode::Background, JitMode::Sync, JitMode::Eager, JitMode::Off];
        let mode = modes.into_iter().find(|mode| mode.name() == text);
        let mode = mode.ok_or_else(|| given.refusal("background, sync, eager or off"))?;
        if mode != JitMode::Off && !cfg!(feature = "jit") {
            return Err(Failure::usage(format_args!(
                "this build of dunlin has no compiler, so {} only takes off: build it with the feature 'jit'",
                given.option
            )));
        }
        self.mode = Some(mode);
        Ok(())
    }

    /// `--jit-threshold`
    pub(super) fn threshold(&mut self, given: Given<'_>) -> Result<(), Failure> {
        let number = given.text()?.replace('_', "").parse();
        let refusal = |_| given.refusal(format_args!("a whole number from 0 to {}", u32::MAX));
        set(&mut self.threshold, number.map_err(refusal))
    }

    /// `--jit-cache-full`
    pub(super) fn cache_full(&mut self, given: Given<'_>) -> Result<(), Failure> {
        self.stops_when_full = match given.text()? {
            "stop" => true,
            "evict" => false,
            _ => return Err(given.refusal("evict or stop")),
        };
        Ok(())
    }

    /// `--memory-guard`
    pub(super) fn memory_guard(&mut self, given: Given<'_>) -> Result<(), Failure> {
        self.guards = match given.text()? {
            "on" => Some(true),
            "off" => Some(false),
            "auto" => None,
            _ => return Err(given.refusal("on, off or auto")),
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

    /// Called if `--gdb` is given too.
    pub(crate) fn debugging(&mut self) -> Result<(), Failure> {
        if !cfg!(feature = "gdb") {
            return Err(Failure::usage(
                "this build of dunlin serves no debugger, so there is no --gdb: build it with the feature 'gdb'",
            ));
        }
        let other = match self.mode {
            _ if self.precompiled == Trust::Required => "--require-precompiled".into(),
            None | Some(JitMode::Off) => {
                self.mode = Some(JitMode::Off);
                return Ok(());
            }
            Some(mode) => format!("--jit {}", mode.name()),
        };
        Err(Failure::usage(format_args!(
            "--gdb shows what the interpreter does, so it doesn't go with {other}"
        )))
    }

    /// When functions are compiled.
    #[cfg(feature = "precompiled")]
    pub(crate) fn mode(&self) -> JitMode {
        match self.mode {
            Some(mode) => mode,
            None if !cfg!(feature = "jit") => JitMode::Off,
            None => JitMode::Background,
        }
    }
}
