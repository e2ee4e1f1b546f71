//! `-W`: the features of WebAssembly, as wasmtime spells them.

use super::table::Opt;
use super::values::{Given, switch};
use crate::failure::Failure;
use dunlin::{Config, Feature};

/// Features that are switched on or off.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Features {
    pub(super) switched: Vec<(Feature, bool)>,
    pub(super) shared_memory: Option<bool>,
    pub(super) relaxed_simd_deterministic: Option<bool>,
}

impl Features {
    /// Takes an item of `-W`; false if it is about no feature.
    pub(crate) fn take(&mut self, item: &str) -> Result<bool, Failure> {
        let (name, value) = item.split_once('=').map_or((item, None), |(name, value)| (name, Some(value)));
        let enable = || switch(&format!("-W {name}"), value);
        match name {
            "shared-memory" => self.shared_memory = Some(enable()?),
            "relaxed-simd-deterministic" => self.relaxed_simd_deterministic = Some(enable()?),
            _ => match named(name) {
                Some(feature) => self.switched.push((feature, enable()?)),
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    /// What `-W` took, but for what records don't depend on.
    #[cfg(feature = "record")]
    pub(crate) fn items(&self) -> impl Iterator<Item = String> {
        let switched = self.switched.iter().filter_map(|(feature, enable)| {
            let name = feature.switch()?.strip_prefix("Config::wasm_")?.replace('_', "-");
            Some(format!("{name}={}", if *enable { "y" } else { "n" }))
        });
        let shared =
            self.shared_memory.map(|enable| format!("shared-memory={}", if enable { "y" } else { "n" }));
        switched.chain(shared)
    }

    /// Configures an engine so.
    pub(crate) fn configure(&self, config: &mut Config) {
        for &(feature, enable) in &self.switched {
            config.wasm_feature(feature, enable);
        }
        if let Some(enable) = self.shared_memory {
            config.shared_memory(enable);
        }
        if let Some(enable) = self.relaxed_simd_deterministic {
            config.relaxed_simd_deterministic(enable);
        }
    }
}

/// The feature of this name, which is that of its switch in `Config`.
fn named(name: &str) -> Option<Feature> {
    let is_named = |feature: &Feature| {
        let switch = feature.switch().and_then(|switch| switch.strip_prefix("Config::wasm_"));
        switch.is_some_and(|switch| switch.replace('_', "-") == name)
    };
    Feature::ALL.into_iter().find(is_named)
}

/// Options of a command that has the features among them, and of `-W` nothing else.
pub(super) trait SwitchesFeatures: Sized + 'static {
    fn features(&mut self) -> &mut Features;

    const FEATURES: Opt<Self> =
        Opt::value("-W, --wasm FEATURE,...", take_all, "Features of WebAssembly, as for dunlin run.");
}

fn take_all<O: SwitchesFeatures>(options: &mut O, given: Given<'_>) -> Result<(), Failure> {
    for item in given.text()?.split(',') {
        if !options.features().take(item)? {
            return Err(Failure::usage(format_args!(
                "-W takes features such as wide-arithmetic here, separated by commas, not '{item}'"
            )));
        }
    }
    Ok(())
}
