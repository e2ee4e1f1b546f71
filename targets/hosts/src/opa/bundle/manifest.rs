//! What a bundle says of itself.

use super::archive::{Files, MANIFEST};
use super::error::BundleError;
use serde_json::{Map, Value};

/// Where the policy lies if nothing else is said.
const POLICY: &str = "policy.wasm";

#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) revision: String,
    /// Without slashes at their ends.
    pub(super) roots: Vec<String>,
    pub(super) entrypoints: Vec<String>,
    /// The policy's path.
    pub(super) module: String,
    /// Whether the manifest names the policy.
    pub(super) is_explicit: bool,
}

impl Manifest {
    pub(super) fn of(files: &Files) -> Result<Self, BundleError> {
        let wrong = |what: &str| BundleError::invalid(format_args!("in its manifest, {what}"));
        let fields: Map<String, Value> = match files.get(MANIFEST) {
            Some(text) => serde_json::from_slice(text).map_err(|error| wrong(&error.to_string()))?,
            None => Map::new(),
        };
        let text = |value: &Value| value.as_str().map(str::to_string);
        let list = |name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(list) => list.as_array().map(Some).ok_or_else(|| wrong(&format!("{name} isn't a list"))),
        };
        let roots = match list("roots")? {
            None => vec![String::new()],
            Some(roots) => {
                let roots = roots.iter().map(|root| Some(root.as_str()?.trim_matches('/').to_string()));
                roots.collect::<Option<_>>().ok_or_else(|| wrong("a root isn't text"))?
            }
        };
        if let Some((a, b)) = overlapping(&roots) {
            return Err(wrong(&format!("the roots '{a}' and '{b}' overlap")));
        }
        let (mut entrypoints, mut modules) = (Vec::new(), Vec::new());
        for resolver in list("wasm")?.into_iter().flatten() {
            let entrypoint =
                text(&resolver["entrypoint"]).ok_or_else(|| wrong("an entrypoint isn't named"))?;
            let module =
                text(&resolver["module"]).ok_or_else(|| wrong("an entrypoint's module isn't named"))?;
            if !roots.iter().any(|root| contains(root, &entrypoint)) {
                return Err(wrong(&format!("the entrypoint {entrypoint} is outside of the roots")));
            }
            let module = module.trim_start_matches('/').to_string();
            entrypoints.push(entrypoint);
            if !modules.contains(&module) {
                modules.push(module);
            }
        }
        if modules.len() > 1 {
            return Err(wrong(&format!(
                "there are several modules, which isn't supported: {}",
                modules.join(", ")
            )));
        }
        let revision = fields.get("revision").and_then(text).unwrap_or_default();
        let module = modules.pop();
        let is_explicit = module.is_some();
        Ok(Self {
            revision,
            roots,
            entrypoints,
            module: module.unwrap_or_else(|| POLICY.into()),
            is_explicit,
        })
    }

    /// Whether all data is in the roots.
    pub(super) fn permits(&self, data: &Value) -> Result<(), BundleError> {
        let mut open = vec![(String::new(), data)];
        while let Some((path, value)) = open.pop() {
            if self.roots.iter().any(|root| contains(root, &path)) {
                continue;
            }
            // There may be roots below.
            let members = value.as_object().filter(|_| self.roots.iter().any(|root| contains(&path, root)));
            let members = members.ok_or_else(|| {
                BundleError::invalid(format_args!("data at '/{path}' is outside of its roots"))
            })?;
            open.extend(members.iter().map(|(key, member)| {
                let below = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                (below, member)
            }));
        }
        Ok(())
    }
}

/// Whether the path is the root or below it.
fn contains(root: &str, path: &str) -> bool {
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn overlapping(roots: &[String]) -> Option<(&String, &String)> {
    let pairs =
        roots.iter().enumerate().flat_map(|(index, a)| roots[index + 1..].iter().map(move |b| (a, b)));
    pairs.into_iter().find(|(a, b)| contains(a, b) || contains(b, a))
}
