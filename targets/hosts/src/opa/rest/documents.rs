//! Paths into the data, and changes of it.

use super::super::builtins::{decode_query, patched};
use super::reply::Reply;
use crate::server::StatusCode;
use serde_json::{Map, Value};

/// The names that a path of a URL leads through; `None` if an escape isn't one.
pub(super) fn names(path: &str) -> Option<Vec<String>> {
    let names = path.split('/').filter(|name| !name.is_empty());
    // In a path, a plus sign is one.
    names.map(|name| decode_query(&name.replace('+', "%2B")).ok()).collect()
}

/// What is at a path.
pub(super) fn at<'v>(document: &'v Value, names: &[String]) -> Option<&'v Value> {
    names.iter().try_fold(document, |at, name| match at {
        Value::Object(object) => object.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Puts a document at a path; objects on the way are made.
pub(super) fn put(data: &Value, names: &[String], document: Value) -> Result<Value, Reply> {
    let mut changed = data.clone();
    let mut at = &mut changed;
    for name in names {
        let Value::Object(object) = at else {
            return Err(Reply::refusal(
                StatusCode::NOT_FOUND,
                "resource_conflict",
                format_args!("what {name} should be in isn't an object"),
            ));
        };
        at = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    *at = document;
    only_object(changed)
}

/// Removes what is at a path.
pub(super) fn delete(data: &Value, names: &[String]) -> Result<Value, Reply> {
    let missing = || Reply::missing("such document");
    at(data, names).ok_or_else(missing)?;
    if names.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let path = names.iter().map(|name| name.as_str().into()).collect();
    let operation = Value::Object(
        [("op".to_string(), "remove".into()), ("path".to_string(), Value::Array(path))].into_iter().collect(),
    );
    patched(data.clone(), &[operation], |_| Ok(())).map_err(|_| missing())
}

/// Changes what is at a path by a JSON Patch, of which OPA has `add`, `remove` and `replace`.
pub(super) fn patch(data: &Value, names: &[String], operations: &[Value]) -> Result<Value, Reply> {
    let there = at(data, names).ok_or_else(|| Reply::missing("such document"))?;
    if operations
        .iter()
        .any(|operation| !matches!(operation["op"].as_str(), Some("add" | "remove" | "replace")))
    {
        return Err(Reply::invalid("an operation isn't add, remove or replace"));
    }
    // These copy nothing: what comes of them is no larger than the data and the request.
    let there = patched(there.clone(), operations, |_| Ok(())).map_err(Reply::invalid)?;
    if names.is_empty() {
        return only_object(there);
    }
    put(data, names, there)
}

fn only_object(data: Value) -> Result<Value, Reply> {
    if data.is_object() { Ok(data) } else { Err(Reply::invalid("the data must be an object")) }
}

/// Whether a write there would change what a bundle owns, by its roots.
pub(super) fn is_owned(roots: &[String], names: &[String]) -> bool {
    let path = names.join("/");
    let is_in = |inner: &str, outer: &str| {
        outer.is_empty()
            || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    roots.iter().any(|root| is_in(&path, root) || is_in(root, &path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Vec<String> {
        names(text).unwrap()
    }

    #[test]
    fn paths_are_decoded() {
        assert_eq!(path("/a//b%2Fc/d+e/"), ["a", "b/c", "d+e"]);
        assert_eq!(names("/%zz"), None);
        assert_eq!(names("/%4"), None);
    }

    #[test]
    fn documents_are_put_and_removed() {
        let data = json!({"a": {"b": [1, 2]}});
        assert_eq!(at(&data, &path("a/b/1")), Some(&json!(2)));
        assert_eq!(
            put(&data, &path("a/c/d"), json!(3)).ok(),
            Some(json!({"a": {"b": [1, 2], "c": {"d": 3}}}))
        );
        assert_eq!(put(&data, &path("a/b/x"), json!(3)).err().unwrap().status, StatusCode::NOT_FOUND);
        assert_eq!(put(&data, &[], json!(3)).err().unwrap().status, StatusCode::BAD_REQUEST);
        assert_eq!(delete(&data, &path("a/b")).ok(), Some(json!({"a": {}})));
        assert_eq!(delete(&data, &[]).ok(), Some(json!({})));
        assert!(delete(&data, &path("c")).is_err());
        let add = json!([{"op": "add", "path": "/-", "value": 3}]);
        assert_eq!(
            patch(&data, &path("a/b"), add.as_array().unwrap()).ok(),
            Some(json!({"a": {"b": [1, 2, 3]}}))
        );
        let copy = json!([{"op": "copy", "from": "", "path": "/x"}]);
        assert!(patch(&data, &path("a"), copy.as_array().unwrap()).is_err());
    }

    #[test]
    fn roots_own_what_is_below_and_above() {
        let roots = ["a/b".to_string()];
        for (there, owned) in
            [("a/b", true), ("a/b/c", true), ("a", true), ("", true), ("a/bc", false), ("c", false)]
        {
            assert_eq!(is_owned(&roots, &path(there)), owned, "{there}");
        }
        assert!(is_owned(&[String::new()], &path("c")));
        assert!(!is_owned(&[], &path("c")));
    }
}
