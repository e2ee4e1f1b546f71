//! The source files that a crate is built of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, File, Item, ItemMod, Lit};

use crate::cfg;
use crate::subjects::Subject;

/// Texts by their files' names below the workspace.
pub(crate) type Sources = BTreeMap<PathBuf, String>;

/// All modules of a crate, as its roots name them.
pub(crate) fn of(root: &Path, subject: &Subject) -> Result<Sources, String> {
    let mut sources = Sources::new();
    for start in subject.roots {
        let path = Path::new(subject.folder).join(start);
        let folder = path.parent().expect("a root is in a folder").to_owned();
        add(root, path, &folder, &mut sources)?;
    }
    Ok(sources)
}

/// A module and those that it declares, which are in `folder`.
fn add(root: &Path, path: PathBuf, folder: &Path, sources: &mut Sources) -> Result<(), String> {
    let source =
        fs::read_to_string(root.join(&path)).map_err(|error| format!("{}: {error}", path.display()))?;
    for item in parse(&path, &source)?.items {
        if let Item::Mod(module) = item
            && module.content.is_none()
            && cfg::is_built(&module.attrs)
        {
            let inner = folder.join(module.ident.to_string());
            add(root, file_of(root, &path, &inner, &module), &inner, sources)?;
        }
    }
    sources.insert(path, source);
    Ok(())
}

pub(crate) fn parse(path: &Path, source: &str) -> Result<File, String> {
    syn::parse_file(source).map_err(|error| format!("{}: {error}", path.display()))
}

fn file_of(root: &Path, parent: &Path, folder: &Path, module: &ItemMod) -> PathBuf {
    let in_folder = folder.join("mod.rs");
    match module.attrs.iter().find_map(named_path) {
        Some(named) => parent.with_file_name(named),
        None if root.join(&in_folder).exists() => in_folder,
        None => folder.with_extension("rs"),
    }
}

fn named_path(attribute: &Attribute) -> Option<String> {
    let pair = attribute.meta.require_name_value().ok().filter(|pair| pair.path.is_ident("path"))?;
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
        _ => None,
    }
}
