//! What is kept.

use super::*;
use std::sync::{Arc, Mutex};

#[test]
fn what_is_kept_is_not_asked_for_again() {
    let (registry, reference) = with_app();
    let folder = folder("kept");
    let registries = Registries::new(with_cache(&folder));
    let digest = registries.open(&reference).unwrap().digest().clone();
    assert!(load(&registries, &reference).is_ok());
    registry.asked();
    assert!(load(&registries, &reference).is_ok());
    assert_eq!(registry.asked(), ["GET /v2/app/manifests/v1"], "a tag may have changed");
    let by_digest = registry.reference(&format!("app@{digest}")).parse().unwrap();
    assert!(load(&Registries::new(with_cache(&folder)), &by_digest).is_ok());
    assert_eq!(registry.asked(), [""; 0]);
    // Without any registry.
    let mut offline = with_cache(&folder);
    offline.offline = true;
    let offline = Registries::new(offline);
    assert!(load(&offline, &reference).is_ok() && load(&offline, &by_digest).is_ok());
    assert_eq!(registry.asked(), [""; 0]);
    let other = registry.reference("app:v2").parse().unwrap();
    assert_eq!(refusal(&offline, &other).to_string(), format!("{other} isn't in the cache"));
}

#[test]
fn a_tag_that_changed_is_another_module() {
    let (registry, reference) = with_app();
    let registries = Registries::new(with_cache(&folder("changed-tag")));
    assert!(load(&registries, &reference).is_ok());
    registry.artifact("app", "v1", CONFIG, &[(WASM, b"\0asm\x01\0\0\0")]);
    assert_eq!(load(&registries, &reference).unwrap().size(), 8);
}

#[test]
fn a_registry_that_does_not_answer_is_done_without_and_that_is_said() {
    let (registry, reference) = with_app();
    let folder = folder("unreachable");
    let said = Arc::new(Mutex::new(Vec::new()));
    let mut options = with_cache(&folder);
    let saying = said.clone();
    options.warn = Some(Arc::new(move |sentence: &str| saying.lock().unwrap().push(sentence.to_owned())));
    let registries = Registries::new(options);
    assert!(load(&registries, &reference).is_ok() && said.lock().unwrap().is_empty());
    registry.state().faults.status = Some(503);
    assert!(load(&registries, &reference).is_ok());
    let sentences = std::mem::take(&mut *said.lock().unwrap());
    assert!(
        sentences.len() == 1
            && sentences[0].contains("status 503")
            && sentences[0].contains("is used: sha256:")
    );
    // That it says no isn't the same as no answer.
    registry.state().faults.status = Some(404);
    assert!(matches!(refusal(&registries, &reference), OciError::NotFound(_)));
}

#[test]
fn what_was_damaged_is_not_used() {
    let (_registry, reference) = with_app();
    let folder = folder("damaged");
    let registries = Registries::new(with_cache(&folder));
    assert!(load(&registries, &reference).is_ok());
    let blob = files(&folder).into_iter().find(|path| path.metadata().unwrap().len() > 50_000).unwrap();
    let mut bytes = std::fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, &bytes).unwrap();
    assert!(matches!(refusal(&registries, &reference), OciError::DamagedCache(_)));
    assert!(!blob.exists() && load(&registries, &reference).is_ok() && blob.exists());
    // Cut off, by a power failure for example: it is as if it weren't there.
    std::fs::write(&blob, &bytes[..middle]).unwrap();
    assert!(load(&registries, &reference).is_ok());
}

#[test]
fn a_small_cache_stays_small() {
    let registry = Registry::start();
    let folder = folder("small");
    let mut options = options();
    options.cache = Some(Cache::new(&folder, 200_000));
    let registries = Registries::new(options);
    for number in 0..6_u8 {
        // Valid modules that differ: a custom section at the end.
        let different = [&module()[..], &[0, 3, 1, b'x', number]].concat();
        registry.artifact("app", "v1", CONFIG, &[(WASM, &different)]);
        load(&registries, &registry.reference("app:v1").parse().unwrap()).unwrap();
        let size: u64 = files(&folder).iter().map(|path| path.metadata().unwrap().len()).sum();
        assert!(size <= 200_000, "{size}");
    }
}

#[test]
fn several_may_pull_at_once() {
    let (_registry, reference) = with_app();
    let folder = folder("at-once");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..4 {
                    let registries = Registries::new(with_cache(&folder));
                    assert_eq!(load(&registries, &reference).unwrap().size(), module().len() as u64);
                }
            });
        }
    });
    let left = files(&folder);
    assert!(left.iter().all(|path| !path.starts_with(folder.join("new"))), "{left:?}");
    assert_eq!(left.len(), 3);
}
