//! Signatures.

use super::*;
use dunlin_hosts::oci::{SigningKey, VerifyingKey};
use std::time::SystemTime;

// By openssl, for these tests only.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAdNhNd/R1Xb1b5IiGReXUOFOf6HQ8PHQl2dZsG0y7VQ\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA3uCidLM6Ydo+trEMpnWyG3F1lWFSYkZENvGmHxc9KJM=\n-----END PUBLIC KEY-----\n";
// Of RFC 8032, section 7.1, test 1.
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

fn verifying(folder: &Path, key: &str) -> Options {
    let mut options = with_cache(folder);
    options.verify_key = Some(VerifyingKey::from_pem(key).unwrap());
    options
}

#[test]
fn only_what_the_key_signed_is_pulled() {
    for (test, lists_referrers) in [("by-tag", false), ("by-list", true)] {
        let registry = Registry::start();
        registry.state().lists_referrers = lists_referrers;
        let (signed, unsigned): (Reference, Reference) =
            (registry.reference("app:v1").parse().unwrap(), registry.reference("app:v2").parse().unwrap());
        let registries = Registries::new(options());
        let key = SigningKey::from_pem(PRIVATE).unwrap();
        let created = SystemTime::UNIX_EPOCH;
        for _ in 0..2 {
            registries.push(&signed, &module(), "app.wasm", created, Some(&key)).unwrap();
        }
        registries.push(&unsigned, &module(), "other.wasm", created, None).unwrap();
        let folder = folder(test);
        let verified = Registries::new(verifying(&folder, PUBLIC));
        assert!(load(&verified, &signed).is_ok(), "{test}");
        let error = refusal(&verified, &unsigned).to_string();
        assert_eq!(error, format!("{unsigned} has no signature that the given key made"));
        let other = Registries::new(verifying(&folder, OTHER));
        assert!(matches!(refusal(&other, &signed), OciError::NotSigned(_)));
        // The signature is kept too.
        let mut offline = verifying(&folder, PUBLIC);
        offline.offline = true;
        let offline = Registries::new(offline);
        assert!(load(&offline, &signed).is_ok(), "{test}");
        // Somebody else's signature, which claims to be of this.
        let at_unsigned = registry.state().manifests["app/manifests/v2"].clone();
        registry.state().manifests.insert("app/manifests/v1".into(), at_unsigned);
        assert!(matches!(refusal(&verified, &signed), OciError::NotSigned(_)));
    }
}

#[test]
fn a_signature_of_something_else_is_none() {
    let registry = Registry::start();
    let (one, two): (Reference, Reference) =
        (registry.reference("app:v1").parse().unwrap(), registry.reference("app:v2").parse().unwrap());
    let registries = Registries::new(options());
    let key = SigningKey::from_pem(PRIVATE).unwrap();
    let signed = registries.push(&one, &module(), "app.wasm", SystemTime::UNIX_EPOCH, Some(&key)).unwrap();
    let other = registries.push(&two, &module(), "b.wasm", SystemTime::UNIX_EPOCH, None).unwrap();
    // The index of the one is put where that of the other would be.
    let tag = |digest: &dunlin_hosts::oci::Digest| format!("app/manifests/sha256-{}", digest.hex());
    let index = registry.state().manifests[&tag(&signed.digest)].clone();
    registry.state().manifests.insert(tag(&other.digest), index);
    let verified = Registries::new(verifying(&folder("something-else"), PUBLIC));
    assert!(load(&verified, &one).is_ok());
    assert!(matches!(refusal(&verified, &two), OciError::NotSigned(_)));
}
