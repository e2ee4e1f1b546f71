//! Images, made here: archives in the layout of OCI, as `ctr image import` takes them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MODULE: &str = "application/wasm";
const ARTIFACT_CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// For WebAssembly, and for this machine.
pub(crate) const WASM: (&str, &str) = ("wasip1", "wasm");
pub(crate) const NATIVE: (&str, &str) =
    ("linux", if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });

/// Something with a digest.
struct Blob {
    kind: &'static str,
    bytes: Vec<u8>,
}

impl Blob {
    fn json(kind: &'static str, value: Value) -> Self {
        Self { kind, bytes: value.to_string().into_bytes() }
    }

    fn digest(&self) -> String {
        Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.kind, "digest": format!("sha256:{}", self.digest()), "size": self.bytes.len()})
    }
}

/// An image with one file in it, `/app`, which is its entrypoint with `suffix` behind it.
pub(crate) fn image(name: &str, platform: (&str, &str), app: &[u8], suffix: &str) -> Vec<u8> {
    let layer = Blob { kind: LAYER, bytes: archive(&[("app", app)]) };
    let config = json!({
        "os": platform.0,
        "architecture": platform.1,
        "config": {"Entrypoint": [format!("/app{suffix}")], "Env": ["OF_THE_IMAGE=yes"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", layer.digest())]},
    });
    layout(name, platform, Blob::json(IMAGE_CONFIG, config), layer)
}

/// An image whose layer is the module itself.
pub(crate) fn layered(name: &str, module: &[u8]) -> Vec<u8> {
    let layer = Blob { kind: MODULE, bytes: module.to_vec() };
    let config = json!({
        "os": WASM.0,
        "architecture": WASM.1,
        "config": {"Entrypoint": ["/app"]},
        // Nothing of it is unpacked.
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    layout(name, WASM, Blob::json(IMAGE_CONFIG, config), layer)
}

/// An artifact of the CNCF's layout, which has no entrypoint.
pub(crate) fn artifact(name: &str, module: &[u8]) -> Vec<u8> {
    let layer = Blob { kind: MODULE, bytes: module.to_vec() };
    let layers = [format!("sha256:{}", layer.digest())];
    let config = json!({"architecture": WASM.1, "os": WASM.0, "layerDigests": layers});
    layout(name, WASM, Blob::json(ARTIFACT_CONFIG, config), layer)
}

fn layout(name: &str, platform: (&str, &str), config: Blob, layer: Blob) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
    });
    let manifest = Blob::json(IMAGE, manifest);
    let mut entry = manifest.descriptor();
    entry["platform"] = json!({"os": platform.0, "architecture": platform.1});
    // The first is read by containerd, the second by skopeo.
    let tag = name.rsplit(':').next();
    entry["annotations"] =
        json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag});
    let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
    let mut files = vec![
        ("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json".into(), index.into_bytes()),
    ];
    files.extend(
        [config, layer, manifest].map(|blob| (format!("blobs/sha256/{}", blob.digest()), blob.bytes)),
    );
    let files: Vec<_> =
        files.iter().map(|(name, bytes): &(String, _)| (name.as_str(), bytes.as_slice())).collect();
    archive(&files)
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, Path::new(name), *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}
