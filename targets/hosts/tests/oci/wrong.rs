//! Registries that break off, lie, or don't answer.

use super::registry::Faults;
use super::*;
use dunlin_hosts::services::http::HttpError;
use std::time::{Duration, Instant};

/// What comes of pulling in the presence of faults, with a cache; and how many files are in that then.
fn pulled(test: &str, faults: Faults) -> (Registry, Result<Module, String>, usize) {
    let (registry, reference) = with_app();
    registry.state().faults = faults;
    let folder = folder(test);
    let mut options = with_cache(&folder);
    options.idle = Some(Duration::from_millis(200));
    let result = load(&Registries::new(options), &reference);
    let blobs = files(&folder).len();
    (registry, result, blobs)
}

/// The manifest, and its name.
const WITHOUT_MODULE: usize = 2;
const WITH_MODULE: usize = 3;

#[test]
fn a_download_that_breaks_off_goes_on() {
    let faults = Faults { cut_at: Some(20_000), ..Faults::default() };
    let (registry, result, blobs) = pulled("cut", faults);
    assert_eq!(result.unwrap().size(), module().len() as u64);
    assert_eq!(blobs, WITH_MODULE);
    let ranges: Vec<_> = registry
        .state()
        .asked
        .iter()
        .filter_map(|asked| {
            asked.headers.lines().find_map(|line| line.strip_prefix("range: ")).map(str::to_owned)
        })
        .collect();
    assert!(ranges.len() >= 2 && ranges[0] == "bytes=20000-" && ranges[1] == "bytes=40000-", "{ranges:?}");
}

#[test]
fn a_download_that_cannot_go_on_begins_again_or_ends() {
    // It never comes further than the first part.
    let faults = Faults { cut_at: Some(20_000), ignores_ranges: true, ..Faults::default() };
    let (registry, result, blobs) = pulled("again", faults);
    let error = result.unwrap_err();
    assert!(error.contains("can't be reached: the connection was closed before the"), "{error}");
    assert_eq!(blobs, WITHOUT_MODULE);
    assert_eq!(registry.asked().iter().filter(|asked| asked.contains("/blobs/")).count(), 5);
    // What is known is skipped, if the whole comes the second time.
    let (registry, reference) = with_app();
    registry.state().faults = Faults { cut_at: Some(20_000), ignores_ranges: true, ..Faults::default() };
    let pulled = Registries::new(options()).open(&reference).unwrap();
    registry.state().faults.cut_at = None;
    assert_eq!(Module::from_reader(&Engine::default(), pulled).unwrap().size(), module().len() as u64);
}

#[test]
fn wrong_bytes_are_refused_and_nothing_is_kept() {
    for (test, faults, why) in [
        ("changed", Faults { changes: true, ..Faults::default() }, "its digest is sha256:"),
        ("longer", Faults { longer: 3, ..Faults::default() }, "it has more than"),
        ("shorter", Faults { longer: -3, ..Faults::default() }, "bytes"),
    ] {
        let (registry, reference) = with_app();
        registry.state().faults = faults;
        let folder = folder(test);
        let error = refusal(&Registries::new(with_cache(&folder)), &reference).to_string();
        assert!(error.contains("is not what it should be") && error.contains(why), "{test}: {error}");
        let left = files(&folder);
        assert_eq!(left.len(), WITHOUT_MODULE, "{left:?}");
    }
}

#[test]
fn no_module_comes_of_wrong_bytes() {
    // A valid module, but for bytes that no validation looks at: those of a custom section.
    let mut wasm = b"\0asm\x01\0\0\0\0\xe0\x5d\x04name".to_vec();
    wasm.resize(12_008 + 3, 7);
    assert!(Module::new(&Engine::default(), &wasm).is_ok());
    let registry = Registry::start();
    registry.artifact("app", "v1", CONFIG, &[(WASM, &wasm)]);
    let reference = registry.reference("app:v1").parse().unwrap();
    assert!(load(&Registries::new(options()), &reference).is_ok());
    registry.state().faults.changes = true;
    let error = load(&Registries::new(options()), &reference).unwrap_err();
    assert!(error.contains("is not what it should be: its digest is"), "{error}");
    // A reader that has failed once never ends well.
    let mut pulled = Registries::new(options()).open(&reference).unwrap();
    assert!(pulled.verify().is_err() && pulled.verify().is_err());
}

#[test]
fn an_announced_length_that_is_wrong_is_seen_at_once() {
    let registry = Registry::start();
    let descriptor = registry.artifact("app", "v1", CONFIG, &[(WASM, &module())]);
    let digest = descriptor["digest"].as_str().unwrap().to_owned();
    let state = registry.state().manifests[&format!("app/manifests/{digest}")].clone();
    let text = String::from_utf8(state.1).unwrap();
    let size = module().len();
    let manifest = serde_json::from_str(&text.replace(&size.to_string(), &(size - 1).to_string())).unwrap();
    registry.manifest("app", "v2", &state.0, &manifest);
    let error = refusal(&Registries::new(options()), &registry.reference("app:v2").parse().unwrap());
    assert!(
        matches!(&error, OciError::WrongSize { expected, found, .. } if *expected == size as u64 - 1 && *found == size as u64),
        "{error}"
    );
}

#[test]
fn a_manifest_of_another_digest_is_refused() {
    let (registry, reference) = with_app();
    let other = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    registry.state().faults.announced_digest = Some(other.into());
    let error = refusal(&Registries::new(options()), &reference);
    assert!(
        matches!(&error, OciError::WrongDigest { expected, .. } if expected.to_string() == other),
        "{error}"
    );
    // One that was asked for by its digest, and is another.
    registry.state().faults = Faults::default();
    let manifest = registry.state().manifests["app/manifests/v1"].clone();
    registry.state().manifests.insert(format!("app/manifests/{other}"), manifest);
    registry.state().faults.announced_digest = Some("none".into());
    let error =
        refusal(&Registries::new(options()), &registry.reference(&format!("app@{other}")).parse().unwrap());
    assert!(
        matches!(&error, OciError::WrongDigest { expected, .. } if expected.to_string() == other),
        "{error}"
    );
}

#[test]
fn a_registry_that_falls_silent_is_given_up() {
    let started = Instant::now();
    let (_, result, blobs) = pulled("stall", Faults { stalls_at: Some(20_000), ..Faults::default() });
    // Each time it says a little more before it falls silent, so in the end the whole has come.
    assert_eq!(result.unwrap().size(), module().len() as u64);
    assert_eq!(blobs, WITH_MODULE);
    let (_, result, blobs) = pulled("silent", Faults { stalls_at: Some(0), ..Faults::default() });
    let error = result.unwrap_err();
    assert!(error.contains("timed out: nothing came or went for too long"), "{error}");
    assert_eq!(blobs, WITHOUT_MODULE);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_a_registry_answers_is_said() {
    let (registry, reference) = with_app();
    let registries = Registries::new(options());
    let missing = registry.reference("app:v2").parse().unwrap();
    let error = refusal(&registries, &missing);
    assert_eq!(error.to_string(), format!("the registry has no {}", registry.reference("app:v2")));
    registry.state().blobs.clear();
    assert!(
        matches!(refusal(&registries, &reference), OciError::NotFound(what) if what.starts_with("sha256:"))
    );
    for status in [500, 429, 400] {
        registry.state().faults.status = Some(status);
        let error = refusal(&registries, &reference);
        assert!(matches!(&error, OciError::Status { status: found, .. } if *found == status));
        assert!(error.to_string().ends_with(r": it is \u{1b}[31mbroken"), "{error}");
    }
    let nobody = "localhost:1/app:v1".parse().unwrap();
    let error = refusal(&registries, &nobody);
    assert_eq!(
        error.to_string(),
        "the registry localhost:1 can't be reached: localhost:1: Connection refused"
    );
    // Elsewhere than on this machine, TLS is used, or said to be missing.
    let remote = "registry.invalid/app:v1".parse().unwrap();
    let error = refusal(&registries, &remote);
    let expected = if cfg!(feature = "tls") { "can't be reached" } else { "this build has no TLS" };
    assert!(error.to_string().contains(expected), "{error}");
    let mut plain = options();
    plain.plain_http = true;
    let error = refusal(&Registries::new(plain), &remote);
    assert!(matches!(&error, OciError::Http { error: HttpError::Connection(_), .. }), "{error}");
}
