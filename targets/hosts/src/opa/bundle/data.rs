//! A bundle's data: files in folders, whose names are keys.

use super::archive::Files;
use super::error::BundleError;
use crate::yaml;
use serde_json::{Map, Value};

/// The file's document, if it is one that is data.
pub(super) fn document(path: &str, content: &[u8]) -> Result<Option<Value>, BundleError> {
    let wrong = |why: String| BundleError::invalid(format_args!("in {path}, {why}"));
    match path.rsplit('/').next() {
        Some("data.json") => {
            serde_json::from_slice(content).map(Some).map_err(|error| wrong(error.to_string()))
        }
        Some("data.yaml" | "data.yml") => {
            let text = str::from_utf8(content).map_err(|error| wrong(error.to_string()))?;
            yaml::read(text).map(Some).map_err(wrong)
        }
        _ => Ok(None),
    }
}

pub(super) fn collect(files: &Files) -> Result<Value, BundleError> {
    let mut data = Value::Object(Map::new());
    for (path, content) in files.iter() {
        let Some(document) = document(path, content)? else { continue };
        // In the data, the document stands where the folder stands in the bundle.
        let mut placed = document;
        for name in path.split('/').rev().skip(1) {
            placed = Value::Object([(name.to_string(), placed)].into_iter().collect());
        }
        unite(&mut data, placed, path)?;
    }
    Ok(data)
}

/// Objects are united; nothing that is there is replaced.
fn unite(into: &mut Value, from: Value, path: &str) -> Result<(), BundleError> {
    let (Value::Object(into), Value::Object(from)) = (into, from) else { return Err(conflict(path)) };
    for (key, value) in from {
        match into.get_mut(&key) {
            Some(there) => unite(there, value, path)?,
            None => _ = into.insert(key, value),
        }
    }
    Ok(())
}

fn conflict(path: &str) -> BundleError {
    BundleError::invalid(format_args!("what is in {path} is in another file already, or isn't an object"))
}
