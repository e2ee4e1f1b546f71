//! Which platform of an index, and which layer of a manifest.

use super::error::OciError;
use super::manifest::{Descriptor, Index, Manifest, Platform};

/// A layer of these types is a module.
const MODULE: [&str; 4] = [
    // CNCF's layout for artifacts.
    "application/wasm",
    // Spin, Krustlet, wasm-to-oci.
    "application/vnd.wasm.content.layer.v1+wasm",
    // wasmCloud before 1.0, Solo's hub.
    "application/vnd.module.wasm.content.layer.v1+wasm",
    // Older runwasi.
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
];

/// A layer of these types is an archive with files.
const ARCHIVE: [(&str, Packing); 6] = [
    ("application/vnd.oci.image.layer.v1.tar", Packing::None),
    ("application/vnd.oci.image.layer.v1.tar+gzip", Packing::Gzip),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar", Packing::None),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Packing::Gzip),
    ("application/vnd.docker.image.rootfs.diff.tar", Packing::None),
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", Packing::Gzip),
];

/// What the configuration of an artifact that is a bundle of policies is, where it isn't called an image's.
const BUNDLE: &str = "application/vnd.cncf.openpolicyagent.config.v1+json";

/// How an archive is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    None,
    Gzip,
}

/// Where the module is.
#[derive(Debug)]
pub(super) enum Choice<'m> {
    /// This layer is the module.
    Module(&'m Descriptor),
    /// It is a file in these archives, of which later ones cover earlier ones.
    Archives(Vec<(&'m Descriptor, Packing)>),
}

/// The layer that is a bundle of policies, if the manifest says that it is one.
pub(super) fn bundle(manifest: &Manifest) -> Option<&Descriptor> {
    match &manifest.layers[..] {
        [layer] if manifest.config.media_type == BUNDLE => Some(layer),
        _ => None,
    }
}

/// The layer that is a module, or the layers with files.
pub(super) fn layer<'m>(name: &str, manifest: &'m Manifest) -> Result<Choice<'m>, OciError> {
    let modules: Vec<_> =
        manifest.layers.iter().filter(|layer| MODULE.contains(&&*layer.media_type)).collect();
    match modules[..] {
        [module] => return Ok(Choice::Module(module)),
        [] => {}
        _ => {
            let title = |layer: &&Descriptor| {
                let title = layer.annotations.as_ref().and_then(|annotations| annotations.title.clone());
                title.unwrap_or_else(|| layer.digest.to_string())
            };
            let titles: Vec<_> = modules.iter().map(title).collect();
            return Err(OciError::NoModule(format!(
                "{name} is an application of {} modules, of which one can't be told from the others: {}",
                modules.len(),
                titles.join(", ")
            )));
        }
    }
    let packing = |layer: &&'m Descriptor| {
        let known = ARCHIVE.iter().find(|(media_type, _)| *media_type == layer.media_type);
        known.map(|(_, packing)| (*layer, *packing))
    };
    let layers = manifest.layers.iter().collect::<Vec<_>>();
    let archives: Vec<_> = layers.iter().filter_map(packing).collect();
    if archives.len() == layers.len() && !archives.is_empty() {
        return Ok(Choice::Archives(archives));
    }
    let mut types: Vec<_> = layers.iter().map(|layer| &*layer.media_type).collect();
    types.sort_unstable();
    types.dedup();
    Err(OciError::NoModule(match types[..] {
        [] => format!("there is no module in {name}: it has no layers"),
        _ => format!("there is no module in {name}: its layers are {}", types.join(", ")),
    }))
}

/// `wasip1/wasm`, then `wasi/wasm`, then the only one. What a build says of itself isn't counted.
pub(super) fn platform<'i>(name: &str, index: &'i Index) -> Result<&'i Descriptor, OciError> {
    let is = |entry: &Descriptor, os: &str, architecture: &str| {
        entry.platform.as_ref().is_some_and(|p| p.os == os && p.architecture == architecture)
    };
    for os in ["wasip1", "wasi"] {
        if let Some(entry) = index.manifests.iter().find(|entry| is(entry, os, "wasm")) {
            return Ok(entry);
        }
    }
    let entries: Vec<_> = index.manifests.iter().filter(|entry| !is(entry, "unknown", "unknown")).collect();
    if let [only] = entries[..] {
        return Ok(only);
    }
    let shown = |platform: &Platform| format!("{}/{}", platform.os, platform.architecture);
    let platforms: Vec<_> =
        entries.iter().map(|entry| entry.platform.as_ref().map_or("no platform".into(), shown)).collect();
    Err(OciError::NoModule(match platforms[..] {
        [] => format!("there is nothing in {name}: it is an empty index"),
        _ => format!("{name} is for other platforms than wasip1/wasm: {}", platforms.join(", ")),
    }))
}
