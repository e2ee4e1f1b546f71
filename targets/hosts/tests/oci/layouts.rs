//! Each way in which a module lies in a registry.

use super::*;
use serde_json::json;
use std::io::Write;
use std::time::{Duration, SystemTime};

const IMAGE: &str = "application/vnd.oci.image.config.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Their types and contents.
type Layers<'l> = &'l [(&'l str, &'l [u8])];

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        // As it is: OPA's paths begin at the root.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, *contents).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn modules_are_found_in_every_layout() {
    let wasm = module();
    let plugin = gzip(&tar(&[("manifest.yaml", b"a: b"), ("plugin.wasm", &wasm)]));
    let image = tar(&[("etc/passwd", b"root"), ("app/app.wasm", &wasm), ("app/other.wasm", b"no")]);
    let bundle = gzip(&tar(&[("/data.json", b"{}"), ("/policy.wasm", &wasm)]));
    let entrypoint = r#"{"os":"wasip1","config":{"Entrypoint":["/app/app.wasm#run"],"Cmd":["x"]}}"#;
    let relative = r#"{"config":{"Cmd":["./app.wasm"],"WorkingDir":"/app"}}"#;
    let docker = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    let layer = "application/vnd.oci.image.layer.v1.tar";
    let gzipped = "application/vnd.oci.image.layer.v1.tar+gzip";
    let spin = "application/vnd.wasm.content.layer.v1+wasm";
    let data = "application/vnd.wasm.content.layer.v1+data";
    let registry = Registry::start();
    let layouts: [(&str, &str, Layers); 11] = [
        (CONFIG.0, "{}", &[(WASM, &wasm)]),
        ("application/vnd.fermyon.spin.application.v1+config", "{}", &[(data, b"file"), (spin, &wasm)]),
        ("application/vnd.wasm.config.v1+json", "{}", &[(spin, &wasm)]),
        (
            "application/vnd.module.wasm.config.v1+json",
            "{}",
            &[("application/vnd.module.wasm.content.layer.v1+wasm", &wasm)],
        ),
        (IMAGE, "{}", &[("application/vnd.bytecodealliance.wasm.component.layer.v0+wasm", &wasm)]),
        (IMAGE, "{}", &[(gzipped, &plugin)]),
        ("application/vnd.docker.container.image.v1+json", "{}", &[(docker, &plugin)]),
        ("application/vnd.oci.empty.v1+json", "{}", &[(gzipped, &plugin)]),
        (IMAGE, entrypoint, &[(layer, &image), (gzipped, &gzip(&tar(&[("readme", b"x")])))]),
        (IMAGE, relative, &[(layer, &image)]),
        (IMAGE, "{}", &[(gzipped, &bundle)]),
    ];
    let cache = folder("layouts");
    for (number, (config, contents, layers)) in layouts.iter().enumerate() {
        registry.artifact("app", &format!("v{number}"), (config, contents), layers);
        let reference = registry.reference(&format!("app:v{number}")).parse().unwrap();
        for options in [options(), with_cache(&cache), with_cache(&cache)] {
            let loaded = load(&Registries::new(options), &reference).unwrap();
            assert_eq!(loaded.size(), wasm.len() as u64, "{config}: {layers:?}");
        }
    }
    let reference = registry.reference("app:v10").parse().unwrap();
    let mut whole = Vec::new();
    std::io::copy(&mut Registries::new(options()).open_layer(&reference).unwrap(), &mut whole).unwrap();
    assert_eq!(whole, bundle, "as it is");
}

#[test]
fn an_index_is_for_several_platforms() {
    let registry = Registry::start();
    let wasm = module();
    let platform = |os: &str, architecture: &str, contents: &[u8]| {
        let mut entry =
            registry.artifact("app", &format!("{os}-{architecture}"), CONFIG, &[(WASM, contents)]);
        entry["platform"] = json!({"os": os, "architecture": architecture});
        entry
    };
    let (linux, unknown) = (platform("linux", "amd64", b"no"), platform("unknown", "unknown", b"no"));
    let (wasi, wasip1) = (platform("wasi", "wasm", &wasm), platform("wasip1", "wasm", &wasm[..]));
    let wasip2 = platform("wasip2", "wasm", b"no");
    let pulls = |entries: &[&serde_json::Value]| {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        registry.manifest("app", "all", INDEX, &index);
        load(&Registries::new(options()), &registry.reference("app:all").parse().unwrap())
            .map(|module| module.size())
    };
    let size = Ok(wasm.len() as u64);
    assert_eq!(pulls(&[&linux, &wasi, &wasip1]), size);
    assert_eq!(pulls(&[&linux, &wasi, &wasip2]), size);
    let mut only = wasip1.clone();
    only.as_object_mut().unwrap().remove("platform");
    assert_eq!(pulls(&[&unknown, &only]), size, "what a build says of itself isn't counted");
    let error = pulls(&[&linux, &wasip2, &unknown]).unwrap_err();
    assert!(error.ends_with("is for other platforms than wasip1/wasm: linux/amd64, wasip2/wasm"), "{error}");
    assert!(pulls(&[]).unwrap_err().contains("an empty index"));
    // The size is a part of what the index says.
    let mut short = wasip1.clone();
    short["size"] = json!(5);
    assert!(pulls(&[&short]).unwrap_err().contains("it has more than 5 bytes"));
    // An index that leads to itself can't be: its digest would have to be known before.
    let mut nested = wasip1;
    for _ in 0..4 {
        nested.as_object_mut().unwrap().remove("platform");
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [nested]});
        nested = registry.manifest("app", "all", INDEX, &index);
    }
    let error =
        load(&Registries::new(options()), &registry.reference("app:all").parse().unwrap()).unwrap_err();
    assert!(error.contains("lead on and on"), "{error}");
}

#[test]
fn what_is_no_module_is_said() {
    let registry = Registry::start();
    let two: Layers = &[(WASM, b"one"), (WASM, b"two")];
    let zstd: Layers = &[("application/vnd.oci.image.layer.v1.tar+zstd", b"x")];
    let noise: Layers = &[("application/vnd.oci.image.layer.v1.tar+gzip", b"x")];
    for (layers, why) in [
        (two, "is an application of 2 modules"),
        (zstd, "its layers are application/vnd.oci.image.layer.v1.tar+zstd"),
        (noise, "it is no archive that can be read"),
        (&[], "it has no layers"),
    ] {
        registry.artifact("app", "v1", CONFIG, layers);
        let error = refusal(&Registries::new(options()), &registry.reference("app:v1").parse().unwrap());
        assert!(error.to_string().contains(why), "{error}");
    }
    for (manifest, why) in [
        (json!([1]), "it is no manifest"),
        (json!({"schemaVersion": 2, "layers": []}), "it is no manifest: missing field `config`"),
        (
            json!({"schemaVersion": 1, "config": {"mediaType": "x", "digest": "x", "size": 1}, "layers": []}),
            "no manifest",
        ),
    ] {
        registry.manifest("app", "v1", MANIFEST, &manifest);
        let error = refusal(&Registries::new(options()), &registry.reference("app:v1").parse().unwrap());
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn what_is_pushed_is_pulled() {
    let registry = Registry::start();
    let reference: Reference = registry.reference("user/app:v1").parse().unwrap();
    let registries = Registries::new(options());
    let created = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_599);
    let pushed = registries.push(&reference, &module(), "app.wasm", created, None).unwrap();
    assert_eq!(load(&registries, &reference).unwrap().size(), pushed.size);
    assert_eq!(registries.open(&reference).unwrap().digest(), &pushed.digest);
    let by_digest: Reference = format!("{reference}@{}", pushed.digest).parse().unwrap();
    assert_eq!(load(&registries, &by_digest).unwrap().size(), pushed.size);
    let (media_type, manifest) = registry.state().manifests["user/app/manifests/v1"].clone();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!((&*media_type, &manifest["mediaType"]), (MANIFEST, &json!(MANIFEST)));
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let [layer] = &manifest["layers"].as_array().unwrap()[..] else { panic!("{manifest}") };
    assert_eq!((&layer["mediaType"], &layer["size"]), (&json!(WASM), &json!(pushed.size)));
    assert_eq!(layer["annotations"], json!({"org.opencontainers.image.title": "app.wasm"}));
    let config = registry.state().blobs[manifest["config"]["digest"].as_str().unwrap()].clone();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    let expected = json!({"created": "2025-12-31T23:59:59Z", "architecture": "wasm", "os": "wasip1",
        "layerDigests": [layer["digest"]]});
    assert_eq!(config, expected);
    // Again: nothing is uploaded twice, and it is the same.
    registry.asked();
    assert_eq!(registries.push(&reference, &module(), "app.wasm", created, None).unwrap(), pushed);
    let asked = registry.asked();
    assert!(asked.len() == 3 && !asked.iter().any(|asked| asked.contains("uploads")), "{asked:?}");
    let refused = registries.push(&by_digest, &module(), "app.wasm", created, None).unwrap_err();
    assert!(refused.to_string().contains("gets a tag"), "{refused}");
}
