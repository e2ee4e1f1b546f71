//! Who may ask.

use super::registry::Guarded;
use super::*;
use dunlin_hosts::oci::Credentials;
use std::time::SystemTime;

/// Of Docker's configuration.
fn credentials(test: &str, text: &str) -> Credentials {
    let path = folder(test).join("config.json");
    std::fs::write(&path, text).unwrap();
    Credentials::from_file(path).unwrap()
}

fn as_ann(test: &str, registry: &Registry) -> Options {
    let mut options = options();
    // ann:secret
    let text = format!(r#"{{"auths": {{"{}": {{"auth": "YW5uOnNlY3JldA=="}}}}}}"#, registry.address);
    options.credentials = credentials(test, &text);
    options
}

#[test]
fn who_is_known_gets_in() {
    for (test, guarded) in [("password", Guarded::ByPassword), ("token", Guarded::ByToken)] {
        let (registry, reference) = with_app();
        registry.state().guarded = guarded;
        let error = refusal(&Registries::new(options()), &reference).to_string();
        assert!(error.contains("refuses access") && error.contains("docker login"), "{error}");
        registry.asked();
        let registries = Registries::new(as_ann(test, &registry));
        assert!(load(&registries, &reference).is_ok());
        let asked = registry.asked();
        let tokens = asked.iter().filter(|asked| asked.starts_with("GET /token?")).count();
        assert_eq!(tokens, usize::from(guarded == Guarded::ByToken), "{asked:?}");
        assert_eq!(asked.len(), 3 + tokens, "the challenge is met once: {asked:?}");
        let other: Reference = registry.reference("other:v1").parse().unwrap();
        registries.push(&other, &module(), "app.wasm", SystemTime::now(), None).unwrap();
        assert!(load(&registries, &other).is_ok());
    }
}

#[test]
fn everybody_may_get_a_token() {
    let (registry, reference) = with_app();
    registry.state().guarded = Guarded::ByAnonymousToken;
    assert!(load(&Registries::new(options()), &reference).is_ok());
}

#[test]
fn who_is_not_known_is_told_why() {
    let (registry, reference) = with_app();
    registry.state().guarded = Guarded::ByPassword;
    let address = registry.address;
    for (test, config, why) in [
        (
            "wrong",
            format!(r#"{{"auths": {{"{address}": {{"username": "ann", "password": "x"}}}}}}"#),
            "isn't accepted",
        ),
        ("helper", r#"{"credsStore": "desktop"}"#.into(), "docker-credential-desktop, which isn't called"),
    ] {
        let mut options = options();
        options.credentials = credentials(test, &config);
        let error = refusal(&Registries::new(options), &reference).to_string();
        assert!(error.contains("who are you?") && error.contains(why), "{error}");
        assert!(!error.contains("password\": \"x"), "{error}");
    }
    let broken = folder("broken").join("config.json");
    std::fs::write(&broken, r#"{"auths": {"a": {"auth": "c2VjcmV0"}}"#).unwrap();
    let error = Credentials::from_file(&broken).unwrap_err().to_string();
    assert!(
        error.contains("not what Docker writes (line 1, column") && !error.contains("c2VjcmV0"),
        "{error}"
    );
}

#[test]
fn another_host_does_not_learn_the_token() {
    for (test, guarded) in
        [("password-elsewhere", Guarded::ByPassword), ("token-elsewhere", Guarded::ByToken)]
    {
        let (registry, reference) = with_app();
        let (elsewhere, _) = with_app();
        let mut faults = registry.state().faults.clone();
        // The same address by another name.
        faults.blobs_elsewhere = Some(format!("http://localhost:{}", elsewhere.address.port()));
        registry.state().faults = faults;
        registry.state().guarded = guarded;
        assert!(load(&Registries::new(as_ann(test, &registry)), &reference).is_ok());
        let asked = elsewhere.state().asked.clone();
        assert_eq!(asked.len(), 1);
        assert!(
            asked[0].what.contains("/blobs/") && !asked[0].headers.contains("authorization"),
            "{asked:?}"
        );
        // Nor may it ask for the password: it isn't the registry.
        elsewhere.state().guarded = Guarded::ByPassword;
        assert!(matches!(
            refusal(&Registries::new(as_ann(test, &registry)), &reference),
            OciError::Denied { .. }
        ));
        let asked = elsewhere.state().asked.clone();
        assert!(asked.iter().all(|asked| !asked.headers.contains("authorization")), "{asked:?}");
    }
}
