//! Files with machine code behind the module: what the other commands need to know of them.

use super::other_formats::refuse;
use crate::failure::{Failure, io_reason};
use std::io::Read;

#[cfg(all(feature = "inspect", feature = "precompiled"))]
pub(crate) use with::describe;
#[cfg(feature = "precompiled")]
pub(crate) use with::{ModuleSource, PrecompiledCode};
#[cfg(all(feature = "inspect", not(feature = "precompiled")))]
pub(crate) use without::describe;
#[cfg(not(feature = "precompiled"))]
pub(crate) use without::{ModuleSource, PrecompiledCode};

#[cfg(feature = "precompiled")]
use with::source as open;
#[cfg(not(feature = "precompiled"))]
use without::source as open;

/// Determines what the reader contains.
pub(crate) fn source(name: &str, reader: Box<dyn Read>) -> Result<ModuleSource, Failure> {
    match refuse(reader) {
        Ok(Ok(reader)) => open(name, reader),
        Ok(Err(sentence)) => Err(Failure::unusable(format_args!("{name}: {sentence}"))),
        Err(error) => Err(Failure::unusable(format_args!("{name}: {}", io_reason(&error)))),
    }
}

#[cfg(feature = "precompiled")]
mod with {
    use crate::failure::{Failure, io_reason};
    use crate::output::count;
    use crate::output::json::{Json, object};
    use dunlin_jit::aot::{self, Opened, Precompiled};
    use std::io::{self, Read};

    /// The machine code behind a module.
    pub(crate) type PrecompiledCode = aot::Reader<Box<dyn Read>>;

    /// What can be loaded.
    pub(crate) enum ModuleSource {
        /// A module.
        Module(Box<dyn Read>),
        /// A module with machine code.
        Precompiled(PrecompiledCode),
    }

    /// Determines what the reader contains.
    pub(super) fn source(name: &str, reader: Box<dyn Read>) -> Result<ModuleSource, Failure> {
        match aot::open(reader) {
            Ok(Opened::Other(reader)) => Ok(ModuleSource::Module(Box::new(reader))),
            Ok(Opened::Precompiled(reader)) => Ok(ModuleSource::Precompiled(reader)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Failure::unusable(format_args!("{name}: it ends before the module in it begins")))
            }
            Err(error) => Err(Failure::unusable(format_args!("{name}: {}", io_reason(&error)))),
        }
    }

    /// Describes machine code, in words and as JSON.
    #[cfg_attr(not(feature = "inspect"), allow(dead_code, reason = "`inspect` shows it"))]
    pub(crate) fn describe(code: PrecompiledCode, budget: &dunlin::Budget) -> (String, Json) {
        match code.code(budget) {
            Ok(code) => (in_words(&code), as_json(&code)),
            Err(why) => (
                format!("machine code that isn't used: {why}"),
                object([("usable", false.into()), ("problem", why.to_string().into())]),
            ),
        }
    }

    fn in_words(code: &Precompiled) -> String {
        let settings = code.settings();
        let yes = [
            (settings.guarded, "needs memory guards"),
            (!settings.guarded, "checks each memory access"),
            (settings.fuel, "counts fuel"),
        ];
        let yes: Vec<_> = yes.iter().filter(|(is_so, _)| *is_so).map(|(_, what)| *what).collect();
        format!(
            "machine code for {settings}, by dunlin {}: {}, {}; it {}",
            settings.engine,
            count(code.functions() as u64, "function"),
            count(code.code().len() as u64, "byte"),
            yes.join(" and ")
        )
    }

    fn as_json(code: &Precompiled) -> Json {
        let settings = code.settings();
        object([
            ("usable", true.into()),
            ("engine", settings.engine.clone().into()),
            ("arch", settings.arch.clone().into()),
            ("cpu_features", settings.features.clone().into()),
            ("memory_guard", settings.guarded.into()),
            ("branch_protection", settings.branch_protection.into()),
            ("fuel", settings.fuel.into()),
            ("canonical_nans", settings.canonical_nans.into()),
            ("functions", code.functions().into()),
            ("code_bytes", code.code().len().into()),
        ])
    }
}

#[cfg(not(feature = "precompiled"))]
mod without {
    use crate::failure::Failure;
    use crate::output::json::Json;
    use std::io::Read;

    /// This build has no support for machine code.
    pub(crate) enum PrecompiledCode {}

    /// What can be loaded.
    pub(crate) enum ModuleSource {
        /// A module.
        Module(Box<dyn Read>),
        /// A module with machine code: not supported in this build.
        #[expect(dead_code, reason = "as in other builds")]
        Precompiled(PrecompiledCode),
    }

    impl Read for PrecompiledCode {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            match *self {}
        }
    }

    impl PrecompiledCode {
        pub(crate) fn is_intact(&self) -> bool {
            match *self {}
        }
    }

    pub(super) fn source(_: &str, reader: Box<dyn Read>) -> Result<ModuleSource, Failure> {
        Ok(ModuleSource::Module(reader))
    }

    #[cfg_attr(not(feature = "inspect"), allow(dead_code, reason = "`inspect` shows it"))]
    pub(crate) fn describe(code: PrecompiledCode, _: &dunlin::Budget) -> (String, Json) {
        match code {}
    }
}
