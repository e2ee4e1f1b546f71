//! `io.jwt.*`

use super::super::jose::{Algorithm, PublicKey, SigningKey, Token, TrustedKey, to_base64url, trusted_keys};
use super::builtin::{Answer, Asked, BuiltinError, Table, failed, object, text, value};
use super::encodings::hex;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

macro_rules! verify {
    ($algorithm:ident) => {
        |_, arguments| verify(arguments, Algorithm::$algorithm)
    };
}

macro_rules! verify_secret {
    ($algorithm:ident) => {
        |_, arguments| {
            let secret = PublicKey::Secret(text(arguments, 1)?.into());
            value(
                Token::parse(text(arguments, 0)?).map_err(failed)?.is_signed(&secret, Algorithm::$algorithm),
            )
        }
    };
}

pub(super) static TABLE: Table = &[
    ("io.jwt.decode", |_, arguments| decode(text(arguments, 0)?)),
    ("io.jwt.decode_verify", |asked, arguments| decode_verify(asked, arguments)),
    ("io.jwt.encode_sign", |_, arguments| {
        let [headers, payload, key] = arguments else { return Err(failed("three arguments are wanted")) };
        sign(&headers.to_string(), &payload.to_string(), key)
    }),
    ("io.jwt.encode_sign_raw", |_, arguments| {
        let key = serde_json::from_str(text(arguments, 2)?).map_err(failed)?;
        sign(text(arguments, 0)?, text(arguments, 1)?, &key)
    }),
    ("io.jwt.verify_eddsa", verify!(EdDsa)),
    ("io.jwt.verify_es256", verify!(Es256)),
    ("io.jwt.verify_es384", verify!(Es384)),
    ("io.jwt.verify_es512", verify!(Es512)),
    ("io.jwt.verify_hs256", verify_secret!(Hs256)),
    ("io.jwt.verify_hs384", verify_secret!(Hs384)),
    ("io.jwt.verify_hs512", verify_secret!(Hs512)),
    ("io.jwt.verify_ps256", verify!(Ps256)),
    ("io.jwt.verify_ps384", verify!(Ps384)),
    ("io.jwt.verify_ps512", verify!(Ps512)),
    ("io.jwt.verify_rs256", verify!(Rs256)),
    ("io.jwt.verify_rs384", verify!(Rs384)),
    ("io.jwt.verify_rs512", verify!(Rs512)),
];

/// How often a token may be another token's payload.
const MOST_NESTED: usize = 8;

/// A token's payload may be another token, which may be quoted.
fn inner(payload: &[u8]) -> Result<String, BuiltinError> {
    let inner = String::from_utf8(payload.to_vec()).map_err(failed)?;
    Ok(inner.trim_matches(['"', '\'']).into())
}

/// Header, payload, and the signature in hexadecimal digits.
fn decode(token: &str) -> Answer {
    let mut text = token.to_string();
    for _ in 0..MOST_NESTED {
        let token = Token::parse(&text).map_err(failed)?;
        if token.said("cty") != Some("JWT") {
            let payload: Map<String, Value> = serde_json::from_slice(&token.payload).map_err(failed)?;
            return value(json!([token.header, payload, hex(&token.signature)]));
        }
        text = inner(&token.payload)?;
    }
    Err(failed("too many tokens are nested"))
}

fn verify(arguments: &[Value], algorithm: Algorithm) -> Answer {
    let token = Token::parse(text(arguments, 0)?).map_err(failed)?;
    let keys = trusted_keys(text(arguments, 1)?).map_err(failed)?;
    value(token.is_signed_by_one_of(&keys, algorithm))
}

/// What a token must fulfil.
struct Constraints<'c> {
    keys: Vec<TrustedKey>,
    algorithm: Option<&'c str>,
    issuer: Option<&'c str>,
    audience: Option<&'c str>,
    /// When it must be valid, in nanoseconds since 1970.
    time: f64,
}

impl<'c> Constraints<'c> {
    fn new(asked: &mut Asked, object: &'c Map<String, Value>) -> Result<Self, BuiltinError> {
        let unknown = object
            .keys()
            .find(|key| !["cert", "secret", "alg", "iss", "aud", "time"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            return Err(failed(format!("the constraint {unknown} is unknown")));
        }
        let text = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(failed(format!("the constraint {name} must be a string"))),
        };
        let keys = match (text("cert")?, text("secret")?) {
            (Some(keys), None) => trusted_keys(keys).map_err(failed)?,
            (None, Some(secret)) => {
                vec![TrustedKey { key: PublicKey::Secret(secret.into()), algorithm: None, id: None }]
            }
            _ => return Err(failed("a certificate or a secret is wanted, and not both")),
        };
        let time = match object.get("time") {
            None => asked.now_ns() as f64,
            Some(time) => time.as_f64().filter(|time| *time >= 0.0).ok_or_else(|| failed("no time"))?,
        };
        let (algorithm, issuer, audience) = (text("alg")?, text("iss")?, text("aud")?);
        Ok(Self { keys, algorithm, issuer, audience, time })
    }

    /// Whether the token is signed as it must be.
    fn accept_signature(&self, token: &Token<'_>) -> bool {
        // What a critical parameter means must be known.
        let critical = token.header.get("crit").and_then(Value::as_array);
        let known = |name: &Value| ["alg", "kid", "typ", "cty", "crit"].iter().any(|known| name == known);
        let understood = critical.is_none_or(|names| names.iter().all(known));
        let written = token.said("alg");
        let allowed = self.algorithm.is_none() || self.algorithm == written;
        let algorithm = written.and_then(Algorithm::named);
        understood
            && allowed
            && algorithm.is_some_and(|algorithm| token.is_signed_by_one_of(&self.keys, algorithm))
    }

    /// Whether issuer, audience and times are as they must be.
    fn accept_claims(&self, payload: &Map<String, Value>) -> Result<bool, BuiltinError> {
        let issuer = payload.get("iss").and_then(Value::as_str);
        let for_us = |audience: &Value| self.audience.is_some_and(|wanted| audience == wanted);
        let audience = match payload.get("aud") {
            None => self.audience.is_none(),
            Some(Value::Array(all)) => all.iter().any(for_us),
            Some(one) => for_us(one),
        };
        let seconds = |name: &str| match payload.get(name) {
            None => Ok(None),
            Some(time) => time.as_f64().map(Some).ok_or_else(|| failed(format!("{name} must be a number"))),
        };
        let now = self.time / 1e9;
        let in_time =
            seconds("exp")?.is_none_or(|end| now < end) && seconds("nbf")?.is_none_or(|begin| now >= begin);
        Ok((self.issuer.is_none() || self.issuer == issuer) && audience && in_time)
    }
}

/// Whether the token is signed and fulfils the constraints; then also header and payload.
fn decode_verify(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let constraints = Constraints::new(asked, object(arguments, 1)?)?;
    let unverified = || value(json!([false, {}, {}]));
    let mut text = text(arguments, 0)?.to_string();
    for _ in 0..MOST_NESTED {
        let token = Token::parse(&text).map_err(failed)?;
        if !constraints.accept_signature(&token) {
            return unverified();
        }
        if !token.said("cty").is_some_and(|kind| kind.eq_ignore_ascii_case("JWT")) {
            let payload: Map<String, Value> = serde_json::from_slice(&token.payload).map_err(failed)?;
            return match constraints.accept_claims(&payload)? {
                true => value(json!([true, token.header, payload])),
                false => unverified(),
            };
        }
        text = inner(&token.payload)?;
    }
    Err(failed("too many tokens are nested"))
}

/// A token of these headers and this payload, as they are written, signed with a JSON Web Key.
fn sign(headers: &str, payload: &str, key: &Value) -> Answer {
    let fields: Map<String, Value> = serde_json::from_str(headers).map_err(failed)?;
    let said = |name: &str| fields.get(name).and_then(Value::as_str);
    let algorithm = said("alg").and_then(Algorithm::named);
    let algorithm = algorithm.ok_or_else(|| failed("the headers name no known algorithm"))?;
    if said("typ").is_none_or(|kind| kind == "JWT") && serde_json::from_str::<IgnoredAny>(payload).is_err() {
        return Err(failed("a JWT's payload must be JSON"));
    }
    let signed = format!("{}.{}", to_base64url(headers.as_bytes()), to_base64url(payload.as_bytes()));
    let key = SigningKey::from_jwk(key).map_err(failed)?;
    let signature = algorithm.sign(&key, signed.as_bytes()).map_err(failed)?;
    value(format!("{signed}.{}", to_base64url(&signature)))
}

#[cfg(test)]
mod tests {
    use super::super::Reply;
    use super::super::tests::{answers, ask, fails};
    use super::to_base64url;
    use serde_json::{Value, json};

    /// Keys, and tokens that another library made with them.
    fn made() -> Value {
        serde_json::from_str(include_str!("../../../tests/keys/tokens.json")).unwrap()
    }

    const SECRET: &str = "a secret that is long enough for all of them, at least sixty-four bytes";

    fn tokens(made: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
        let tokens = made["tokens"].as_object().unwrap().iter();
        tokens.map(|(name, token)| {
            (name.as_str(), token["token"].as_str().unwrap(), token["key"].as_str().unwrap())
        })
    }

    fn answer(name: &str, arguments: &Value) -> Value {
        match ask(name, arguments) {
            Ok(Reply::Value(value)) => value,
            other => panic!("{name}{arguments}: {other:?}"),
        }
    }

    #[test]
    fn tokens_are_taken_apart() {
        let made = made();
        for (algorithm, token, _) in tokens(&made) {
            let parts = answer("io.jwt.decode", &json!([token]));
            assert_eq!((&parts[0]["alg"], &parts[1]), (&json!(algorithm), &made["payload"]));
            assert!(parts[2].as_str().unwrap().bytes().all(|digit| digit.is_ascii_hexdigit()));
        }
        let inner = tokens(&made).next().unwrap().1;
        let outer =
            format!("{}.{}.", to_base64url(br#"{"alg":"none","cty":"JWT"}"#), to_base64url(inner.as_bytes()));
        assert_eq!(answer("io.jwt.decode", &json!([outer]))[1], made["payload"]);
        for wrong in ["", "a.b", "a.b.c", "e30.e30", "e30.W10.", "!.e30.", "e30.e30.e30.e30"] {
            fails("io.jwt.decode", json!([wrong]));
        }
    }

    #[test]
    fn signatures_are_verified_with_every_form_of_a_key() {
        let made = made();
        for (algorithm, token, of) in tokens(&made).filter(|(.., of)| *of != "secret") {
            let builtin = format!("io.jwt.verify_{}", algorithm.to_lowercase());
            let keys = &made["keys"][of];
            let set = json!({"keys": [made["keys"]["ed25519"]["public"], keys["public"]]}).to_string();
            let mut forms = vec![
                keys["pem"].clone(),
                keys["certificate"].clone(),
                keys["public"].to_string().into(),
                set.into(),
            ];
            forms.extend(keys.get("pkcs1").cloned());
            let spoiled = token.replacen("eyJ", "eyK", 2);
            for form in forms {
                answers(&builtin, json!([token, form]), json!(true));
                if let Ok(answer) = ask(&builtin, &json!([spoiled, form])) {
                    assert_eq!(answer, Reply::Value(json!(false)));
                }
            }
            for (other, keys) in made["keys"].as_object().unwrap() {
                if other != of {
                    answers(&builtin, json!([token, keys["pem"]]), json!(false));
                }
            }
            fails(&builtin, json!([token, "no key"]));
            fails(&builtin, json!([token, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]));
        }
        for (algorithm, token, _) in tokens(&made).filter(|(.., of)| *of == "secret") {
            let builtin = format!("io.jwt.verify_{}", algorithm.to_lowercase());
            answers(&builtin, json!([token, SECRET]), json!(true));
            answers(&builtin, json!([token, "another"]), json!(false));
        }
    }

    #[test]
    fn a_set_of_keys_names_which() {
        let made = made();
        let token = made["tokens"]["ES256"]["token"].as_str().unwrap();
        let key = |id: &str, algorithm: &str| {
            let mut key = made["keys"]["p256"]["public"].clone();
            (key["kid"], key["alg"]) = (id.into(), algorithm.into());
            key
        };
        let mut wrong = made["keys"]["p384"]["public"].clone();
        wrong["kid"] = "p256".into();
        for (set, valid) in [
            (json!([key("p256", "ES256")]), true),
            (json!([key("other", "ES256")]), true),
            // The key that is named is the only one that is tried.
            (json!([wrong, key("other", "ES256")]), false),
            (json!([key("other", "ES384")]), false),
        ] {
            answers("io.jwt.verify_es256", json!([token, json!({"keys": set}).to_string()]), json!(valid));
        }
    }

    #[test]
    fn tokens_fulfil_constraints_or_not() {
        let made = made();
        let token = made["tokens"]["RS256"]["token"].as_str().unwrap();
        let base = json!({"cert": made["keys"]["rsa"]["certificate"], "aud": "a", "time": 1_500_000_000_000_000_000_u64});
        let with = |changes: Value| {
            let mut constraints = base.clone();
            for (name, value) in changes.as_object().unwrap() {
                constraints[name] = value.clone();
            }
            constraints
        };
        for (constraints, valid) in [
            (with(json!({})), true),
            (with(json!({"iss": "issuer", "alg": "RS256"})), true),
            (with(json!({"aud": "b"})), true),
            (with(json!({"iss": "another"})), false),
            (with(json!({"alg": "RS512"})), false),
            (with(json!({"aud": "c"})), false),
            // An audience that nobody asks for isn't us.
            (with(json!({"aud": ""})), false),
            (with(json!({"time": 2_000_000_000_000_000_000_u64})), false),
            (with(json!({"time": 999_999_999_000_000_000_u64})), false),
            (with(json!({"cert": made["keys"]["p256"]["pem"]})), false),
        ] {
            let answer = answer("io.jwt.decode_verify", &json!([token, constraints]));
            assert_eq!(answer[0], json!(valid), "{constraints}");
            let expected = if valid { &made["payload"] } else { &json!({}) };
            assert_eq!(&answer[2], expected);
        }
        for wrong in
            [json!({}), with(json!({"secret": "x"})), with(json!({"more": 1})), with(json!({"time": -1}))]
        {
            fails("io.jwt.decode_verify", json!([token, wrong]));
        }
        // A public key is no secret: a token that is signed with its text isn't valid.
        let pem = &made["keys"]["rsa"]["pem"];
        let key = json!({"kty": "oct", "k": to_base64url(pem.as_str().unwrap().as_bytes())});
        let forged = answer("io.jwt.encode_sign", &json!([{"alg": "HS256"}, made["payload"], key]));
        assert_eq!(
            answer("io.jwt.decode_verify", &json!([forged, with(json!({"cert": pem}))]))[0],
            json!(false)
        );
        let none = format!("{}.{}.", to_base64url(br#"{"alg":"none"}"#), to_base64url(b"{}"));
        assert_eq!(answer("io.jwt.decode_verify", &json!([none, {"secret": "x"}]))[0], json!(false));
        let critical =
            json!([{"alg": "HS256", "crit": ["exp"], "exp": 1}, {}, {"kty": "oct", "k": to_base64url(b"x")}]);
        let critical = answer("io.jwt.encode_sign", &critical);
        assert_eq!(answer("io.jwt.decode_verify", &json!([critical, {"secret": "x"}]))[0], json!(false));
    }

    #[test]
    fn what_is_signed_is_verified() {
        let made = made();
        for (algorithm, _, of) in tokens(&made) {
            let (key, public) = match of {
                "secret" => (json!({"kty": "oct", "k": to_base64url(SECRET.as_bytes())}), json!(SECRET)),
                of => (made["keys"][of]["private"].clone(), made["keys"][of]["pem"].clone()),
            };
            let token = answer("io.jwt.encode_sign", &json!([{"alg": algorithm}, {"a": 1}, key]));
            let builtin = format!("io.jwt.verify_{}", algorithm.to_lowercase());
            answers(&builtin, json!([token, public]), json!(true));
        }
        // RFC 7515, A.1: the same signature as there.
        let key = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
        let payload = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        let token = answer(
            "io.jwt.encode_sign_raw",
            &json!(["{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", payload, key]),
        );
        assert!(token.as_str().unwrap().ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        fails("io.jwt.encode_sign", json!([{"alg": "RS256"}, {}, made["keys"]["p256"]["private"]]));
        fails("io.jwt.encode_sign", json!([{"alg": "none"}, {}, {"kty": "oct", "k": "eA"}]));
        fails("io.jwt.encode_sign", json!([{}, {}, {"kty": "oct", "k": "eA"}]));
        fails(
            "io.jwt.encode_sign_raw",
            json!(["{\"alg\":\"HS256\"}", "no JSON", "{\"kty\":\"oct\",\"k\":\"eA\"}"]),
        );
    }
}
