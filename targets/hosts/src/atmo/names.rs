//! The functions of an application, and how they are named: `identifier#namespace::name@version`, or parts of that.

use super::directive::Directive;
use super::problems::Problems;

/// Functions, by namespace and name.
#[derive(Debug)]
pub(super) struct Functions {
    identifier: String,
    version: String,
    names: Vec<(String, String)>,
}

const DEFAULT: &str = "default";

impl Functions {
    pub(super) fn of_one(name: &str) -> Self {
        Self { identifier: String::new(), version: String::new(), names: vec![(DEFAULT.into(), name.into())] }
    }

    pub(super) fn new(directive: &Directive, problems: &mut Problems) -> Self {
        let mut names = Vec::new();
        if directive.runnables.is_empty() {
            problems.add("it lists no runnables");
        }
        for runnable in &directive.runnables {
            let namespace = runnable.namespace.as_deref().unwrap_or(DEFAULT);
            let entry = (namespace.to_owned(), runnable.name.clone());
            if runnable.name.is_empty() || namespace.is_empty() {
                problems.add("a runnable has no name");
            } else if names.contains(&entry) {
                problems.add(format_args!("the runnable {namespace}::{} is there twice", runnable.name));
            }
            names.push(entry);
        }
        let (identifier, version) = (directive.identifier.clone(), directive.app_version.clone());
        Self { identifier, version, names }
    }

    /// The number of the function that is named so, wholly or in part.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let (identifier, name) = name.split_once('#').map_or((None, name), |(id, name)| (Some(id), name));
        let (namespace, name) = name.split_once("::").unwrap_or((DEFAULT, name));
        let (name, version) = name.split_once('@').map_or((name, None), |(name, v)| (name, Some(v)));
        let is_here = identifier.is_none_or(|other| other == self.identifier)
            && version.is_none_or(|other| other == self.version);
        self.names.iter().position(|known| is_here && (&*known.0, &*known.1) == (namespace, name))
    }

    /// The number of the function whose module is called so: by its name in full, or its name alone if only one has it.
    pub(super) fn of_file(&self, name: &str) -> Option<usize> {
        let mut same = self.names.iter().enumerate().filter(|(_, (_, known))| known == name);
        self.find(name).or_else(|| same.next().filter(|_| same.next().is_none()).map(|(number, _)| number))
    }

    /// What the log calls them, by number.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.names.iter().map(|(namespace, name)| match namespace.as_str() {
            DEFAULT => name.clone(),
            _ => format!("{namespace}::{name}"),
        })
    }
}
