//! Bundles, good and bad.

use super::super::jose::{Algorithm, SigningKey, to_base64url};
use super::{Bundle, BundleError, BundleOptions, VerificationKey};
use dunlin::Budget;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;

const MANIFEST: &str = r#"{"revision": "r1", "roots": ["a", "b/c"],
    "wasm": [{"entrypoint": "a/allow", "module": "/policy.wasm"}, {"entrypoint": "b/c/d", "module": "/policy.wasm"}]}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// An archive, whose paths are written as they are.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append(&header, *content).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

fn read(files: &[(&str, &[u8])]) -> Result<Bundle, BundleError> {
    Bundle::read(&archive(files)[..], &BundleOptions::default())
}

#[track_caller]
fn refuses(files: &[(&str, &[u8])], why: &str) {
    let error = read(files).expect_err(why).to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn a_bundle_has_a_policy_and_data_in_folders() {
    let bundle = read(&[
        ("/.manifest", MANIFEST.as_bytes()),
        ("/policy.wasm", b"\0asm"),
        ("/a/data.json", br#"{"x": 1.10, "deep": {"y": 1}}"#),
        ("./a/deep/data.yaml", b"z: 2\n"),
        ("/b/c/data.json", b"[1]"),
        ("/a/allow.rego", b"package a"),
    ]);
    let bundle = bundle.unwrap();
    assert_eq!((bundle.revision(), bundle.module()), ("r1", &b"\0asm"[..]));
    assert_eq!(bundle.entrypoints(), ["a/allow", "b/c/d"]);
    assert_eq!(bundle.roots(), ["a", "b/c"]);
    let data: Value = serde_json::from_str(bundle.data()).unwrap();
    assert_eq!(data, json!({"a": {"x": data["a"]["x"], "deep": {"y": 1, "z": 2}}, "b": {"c": [1]}}));
    assert_eq!(data["a"]["x"].to_string(), "1.10");
    // Without a manifest, all is the bundle's.
    let bare = read(&[("policy.wasm", b"\0asm"), ("data.json", br#"{"any": 1}"#)]).unwrap();
    assert_eq!((bare.data(), bare.roots()), (r#"{"any":1}"#, &[String::new()][..]));
}

#[test]
fn what_is_wrong_with_a_bundle_is_said() {
    let policy = ("policy.wasm", &b"\0asm"[..]);
    let manifest = |text: &'static str| (".manifest", text.as_bytes());
    refuses(&[("data.json", b"{}")], "there is no policy.wasm in it");
    refuses(&[policy, ("data.json", b"{")], "in data.json");
    refuses(&[policy, ("data.json", b"[]")], "isn't an object");
    refuses(&[policy, ("data.json", br#"{"a": 1}"#), ("a/data.json", b"2")], "in another file already");
    refuses(
        &[policy, ("data.json", br#"{"a": {"b": 1}}"#), ("a/data.json", br#"{"b": 1}"#)],
        "in another file",
    );
    refuses(&[policy, policy], "twice");
    refuses(&[policy, ("../data.json", b"{}")], "no path in it");
    refuses(&[policy, ("a/../../data.json", b"{}")], "no path in it");
    refuses(&[policy, manifest("{")], "in its manifest");
    refuses(&[policy, manifest(r#"{"roots": ["a", "a/b"]}"#)], "overlap");
    refuses(&[policy, manifest(r#"{"roots": [1]}"#)], "a root isn't text");
    refuses(
        &[policy, manifest(r#"{"roots": ["a"]}"#), ("data.json", br#"{"b": 1}"#)],
        "data at '/b' is outside",
    );
    refuses(&[policy, manifest(r#"{"roots": ["a/b"]}"#), ("a/data.json", b"1")], "data at '/a' is outside");
    refuses(&[policy, manifest(r#"{"wasm": [{"entrypoint": "a", "module": "x.wasm"}]}"#)], "names x.wasm");
    refuses(
        &[policy, manifest(r#"{"roots": ["b"], "wasm": [{"entrypoint": "a", "module": "policy.wasm"}]}"#)],
        "the entrypoint a is outside",
    );
    let two =
        r#"{"wasm": [{"entrypoint": "a", "module": "a.wasm"}, {"entrypoint": "b", "module": "b.wasm"}]}"#;
    refuses(&[manifest(two)], "several modules");
}

#[test]
fn what_is_no_archive_is_refused() {
    let whole = archive(&[("policy.wasm", b"\0asm"), ("data.json", br#"{"a": "text"}"#)]);
    assert!(Bundle::read(&whole[..], &BundleOptions::default()).is_ok());
    // Behind all files there is only what ends the archive.
    for end in 0..whole.len() - 30 {
        assert!(Bundle::read(&whole[..end], &BundleOptions::default()).is_err(), "{end}");
    }
    for junk in [
        &b""[..],
        b"\0asm",
        b"{}",
        &gzip(b"no archive, but more than one of its blocks has".repeat(20).as_slice()),
    ] {
        assert!(Bundle::read(junk, &BundleOptions::default()).is_err());
    }
    let mut link = tar::Header::new_ustar();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_path("policy.wasm").unwrap();
    link.set_link_name("/etc/passwd").unwrap();
    link.set_size(0);
    link.set_cksum();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&link, &b""[..]).unwrap();
    let linked = gzip(&tar.into_inner().unwrap());
    let error = Bundle::read(&linked[..], &BundleOptions::default()).unwrap_err();
    assert!(error.to_string().contains("no file"), "{error}");
}

#[test]
fn size_and_memory_are_bounded() {
    let zeros = vec![b' '; 4 << 20];
    let bomb = archive(&[("policy.wasm", b"\0asm"), ("big.txt", &zeros)]);
    assert!(bomb.len() < 16 << 10);
    let options = BundleOptions::default().most_bytes(1 << 20);
    assert!(
        matches!(Bundle::read(&bomb[..], &options), Err(BundleError::TooLarge(limit)) if limit == 1 << 20)
    );
    let budget = Budget::new(1 << 20);
    let error = Bundle::read(&bomb[..], &BundleOptions::default().budget(&budget)).unwrap_err();
    assert!(matches!(error, BundleError::OutOfBudget(_)), "{error}");
    assert_eq!(budget.used(), 0);
    // A name that goes on and on, which the archive's reader keeps.
    let mut long = tar::Header::new_gnu();
    long.set_entry_type(tar::EntryType::GNULongName);
    long.set_path("x").unwrap();
    long.set_size(zeros.len() as u64);
    long.set_cksum();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&long, &zeros[..]).unwrap();
    let long = gzip(&tar.into_inner().unwrap());
    assert!(matches!(Bundle::read(&long[..], &options), Err(BundleError::TooLarge(_))));
}

const DATA: &str = "{ \"b\": [1.0, \"<\\u2028\"],\n \"a\": null }";

/// Files with their signature.
fn signed(change: impl Fn(&mut Value)) -> Vec<(&'static str, Vec<u8>)> {
    // The digests of `{"a":null,"b":[1.0,"<\u2028"]}`, of `{"revision":"x"}` and of `\0asm`, by sha256sum.
    let files = json!([
        {"name": "data.json", "algorithm": "SHA-256", "hash": "b13739197008af693595281d3096f0e1a339b72e43211fd1de73d98432062de1"},
        {"name": ".manifest", "algorithm": "SHA-256", "hash": "1f056b4cac104f41966ff3bf025257d5ffe24bf86bbfdafae3cff8559bea4f69"},
        {"name": "policy.wasm", "algorithm": "SHA-256", "hash": "cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f"},
    ]);
    let mut payload = json!({"files": files, "scope": "write"});
    change(&mut payload);
    let signed =
        format!("{}.{}", to_base64url(br#"{"alg":"HS256"}"#), to_base64url(payload.to_string().as_bytes()));
    let key = SigningKey::from_jwk(&json!({"kty": "oct", "k": to_base64url(b"secret")})).unwrap();
    let signature = Algorithm::Hs256.sign(&key, signed.as_bytes()).unwrap();
    let token = format!("{signed}.{}", to_base64url(&signature));
    vec![
        ("/data.json", DATA.into()),
        ("/.manifest", b" {\"revision\": \"x\"}".to_vec()),
        ("/policy.wasm", b"\0asm".to_vec()),
        ("/.signatures.json", json!({"signatures": [token]}).to_string().into_bytes()),
    ]
}

#[test]
fn signatures_are_verified() {
    let key = |secret: &str, scope: &str| VerificationKey::new(secret, "HS256").unwrap().scope(scope);
    let options = BundleOptions::default().verify(key("secret", "write"));
    let read = |files: &[(&'static str, Vec<u8>)], options: &BundleOptions| {
        let files: Vec<_> = files.iter().map(|(path, content)| (*path, content.as_slice())).collect();
        Bundle::read(&archive(&files)[..], options).map(|_| ()).map_err(|error| error.to_string())
    };
    let good = signed(|_| {});
    assert_eq!(read(&good, &options), Ok(()));
    assert_eq!(read(&good, &BundleOptions::default().skip_verification()), Ok(()));
    let refuses = |files: &[(&'static str, Vec<u8>)], options: &BundleOptions, why: &str| {
        let error = read(files, options).expect_err(why);
        assert!(error.contains(why), "{error}");
    };
    refuses(&good, &BundleOptions::default(), "there is no key to verify it");
    refuses(&good, &BundleOptions::default().verify(key("other", "write")), "it isn't the key's");
    refuses(&good, &BundleOptions::default().verify(key("secret", "")), "for another scope");
    refuses(&good[..3], &options, "it isn't signed");
    let mut more = good.clone();
    more.push(("/more.txt", b"x".to_vec()));
    refuses(&more, &options, "it says nothing of more.txt");
    let mut fewer = good.clone();
    fewer.remove(0);
    refuses(&fewer, &options, "data.json isn't in the bundle");
    for (index, content) in [(0, &b"{\"b\": [1.0, \"<\"], \"a\": null}"[..]), (1, b"{}"), (2, b"\0asm\x01")] {
        let mut changed = good.clone();
        changed[index].1 = content.to_vec();
        refuses(&changed, &options, "has another digest");
    }
    refuses(
        &signed(|payload| payload["files"][0]["algorithm"] = "SHA-0".into()),
        &options,
        "'SHA-0', which is unknown",
    );
    let mut plugin = good.clone();
    plugin[3].1 = br#"{"plugin": "x", "signatures": []}"#.to_vec();
    refuses(&plugin, &options, "a plugin's");
    let made: Value = serde_json::from_str(include_str!("../../../tests/keys/tokens.json")).unwrap();
    let pem = made["keys"]["rsa"]["pem"].as_str().unwrap();
    assert!(VerificationKey::new(pem, "RS256").is_ok());
    assert!(VerificationKey::new("no key", "RS256").is_err());
    assert!(VerificationKey::new(pem, "RS0").is_err());
    refuses(
        &good,
        &BundleOptions::default().verify(VerificationKey::new(pem, "RS256").unwrap()),
        "it isn't the key's",
    );
}
