use super::*;
use crate::services::kv::MemoryStore;
use dunlin::Budget;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that is set.
#[derive(Debug, Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

fn provider() -> (KeyValueProvider, Arc<Hands>) {
    let clock = Arc::new(Hands::default());
    let store = Arc::new(MemoryStore::new(&Budget::unlimited()));
    (KeyValueProvider::new(store).at(clock.clone()), clock)
}

fn raw(provider: &KeyValueProvider, operation: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
    let call = HostCall { binding: "default", namespace: "wasmcloud:keyvalue", operation, payload };
    provider.call(&Claims::default(), call, &mut Task::default())
}

fn ask<T: DeserializeOwned>(
    provider: &KeyValueProvider,
    operation: &str,
    message: impl Serialize,
) -> Result<T, String> {
    let answer = raw(provider, &format!("KeyValue.{operation}"), &messages::encode(&message)?)?;
    messages::decode(&answer)
}

#[derive(Serialize)]
struct Pair<'a> {
    key: &'a str,
    value: i32,
}

#[derive(Serialize)]
struct Text<'a> {
    key: &'a str,
    value: &'a str,
    expires: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    list_name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Range<'a> {
    list_name: &'a str,
    start: i32,
    stop: i32,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Found {
    value: String,
    exists: bool,
}

fn found(value: &str) -> Result<Found, String> {
    Ok(Found { value: value.into(), exists: true })
}

#[test]
fn numbers_are_texts_that_grow() {
    let (keys, _) = provider();
    assert_eq!(ask(&keys, "Increment", Pair { key: "n", value: 5 }), Ok(5));
    assert_eq!(ask(&keys, "Increment", Pair { key: "n", value: -7 }), Ok(-2));
    assert_eq!(ask(&keys, "Get", "n"), found("-2"));
    let none = Ok(Found { value: String::new(), exists: false });
    assert_eq!(ask(&keys, "Get", "m"), none);
    assert_eq!(ask(&keys, "Contains", "n"), Ok(true));
    assert_eq!((ask(&keys, "Del", "n"), ask(&keys, "Del", "n")), (Ok(true), Ok(false)));
    raw(&keys, "KeyValue.Set", &messages::encode(&Text { key: "n", value: "text", expires: 0 }).unwrap())
        .unwrap();
    let wrong: Result<i32, _> = ask(&keys, "Increment", Pair { key: "n", value: 1 });
    assert_eq!(wrong, Err("the value isn't a number".into()));
    assert_eq!(ask(&keys, "Get", "n"), found("text"));
    assert_eq!(ask(&keys, "Increment", Pair { key: "large", value: i32::MAX }), Ok(i32::MAX));
    let wrong: Result<i32, _> = ask(&keys, "Increment", Pair { key: "large", value: 1 });
    assert_eq!(wrong, Err("the number grows too large".into()));
}

#[test]
fn values_expire() {
    let (keys, clock) = provider();
    raw(&keys, "KeyValue.Set", &messages::encode(&Text { key: "k", value: "1", expires: 10 }).unwrap())
        .unwrap();
    clock.0.store(9, Ordering::Relaxed);
    // Counting doesn't make it live longer.
    assert_eq!(ask(&keys, "Increment", Pair { key: "k", value: 1 }), Ok(2));
    clock.0.store(10, Ordering::Relaxed);
    assert_eq!(ask(&keys, "Contains", "k"), Ok(false));
    assert_eq!(ask(&keys, "Increment", Pair { key: "k", value: 1 }), Ok(1));
}

#[test]
fn lists_and_sets_are_what_they_are_called() {
    let (keys, _) = provider();
    for (count, value) in ["a", "b", "a", "c"].into_iter().enumerate() {
        assert_eq!(ask(&keys, "ListAdd", Item { list_name: "l", value }), Ok(count + 1));
    }
    for (start, stop, expected) in [
        (0, -1, &["a", "b", "a", "c"][..]),
        (1, 2, &["b", "a"]),
        (-2, 9, &["a", "c"]),
        (3, 1, &[]),
        (9, 9, &[]),
    ] {
        let items: Vec<String> = ask(&keys, "ListRange", Range { list_name: "l", start, stop }).unwrap();
        assert_eq!(items, expected, "{start} to {stop}");
    }
    assert_eq!(ask(&keys, "ListDel", Item { list_name: "l", value: "a" }), Ok(true));
    assert_eq!(
        ask(&keys, "ListRange", Range { list_name: "l", start: 0, stop: 9 }),
        Ok(vec!["b".to_owned(), "c".into()])
    );
    for (name, value, changed) in [("s", "x", 1), ("s", "x", 0), ("s", "y", 1), ("t", "y", 1), ("t", "z", 1)]
    {
        assert_eq!(ask(&keys, "SetAdd", Item { list_name: name, value }), Ok(changed));
    }
    let texts = |items: &[&str]| Ok(items.iter().map(|item| item.to_string()).collect::<Vec<_>>());
    assert_eq!(ask(&keys, "SetUnion", ["s", "t"]), texts(&["x", "y", "z"]));
    assert_eq!(ask(&keys, "SetIntersection", ["s", "t"]), texts(&["y"]));
    assert_eq!(ask(&keys, "SetDel", Item { list_name: "s", value: "x" }), Ok(1));
    assert_eq!(ask(&keys, "SetQuery", "s"), texts(&["y"]));
    let wrong: Result<u32, _> = ask(&keys, "SetAdd", Item { list_name: "l", value: "x" });
    assert_eq!(wrong, Err("the key isn't that of a set".into()));
    assert_eq!(ask(&keys, "ListClear", "l"), Ok(true));
    assert!(raw(&keys, "KeyValue.Shuffle", &[]).unwrap_err().contains("no operation"));
}

/// Whatever a message contains, it is answered or refused, and what was kept stays readable.
#[test]
fn a_hundred_thousand_changed_messages_do_no_harm() {
    let (keys, _) = provider();
    let messages = [
        messages::encode(&Pair { key: "n", value: 1 }).unwrap(),
        messages::encode(&Text { key: "k", value: "v", expires: 3 }).unwrap(),
        messages::encode(&Item { list_name: "l", value: "v" }).unwrap(),
        messages::encode(&Range { list_name: "l", start: 0, stop: -1 }).unwrap(),
        messages::encode(&["s", "t"]).unwrap(),
        messages::encode(&"k").unwrap(),
    ];
    let operations =
        ["Increment", "Set", "ListAdd", "ListRange", "SetUnion", "Get", "SetAdd", "ListDel", "Del"];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..100_000 {
        let mut message = messages[random(messages.len())].clone();
        for _ in 0..random(4) {
            let at = random(message.len());
            match random(3) {
                0 => message[at] = random(256) as u8,
                1 => message.truncate(at + 1),
                _ => message.insert(at, random(256) as u8),
            }
        }
        let operation = format!("KeyValue.{}", operations[random(operations.len())]);
        match raw(&keys, &operation, &message) {
            Ok(_) => answered += 1,
            Err(error) => {
                refused += 1;
                assert!(!error.is_empty());
            }
        }
    }
    assert!(answered > 1000 && refused > 1000, "{answered} {refused}");
    for key in keys.store.keys("").unwrap() {
        keys.read(&keys.store.get(&key).unwrap().unwrap()).unwrap();
    }
}
