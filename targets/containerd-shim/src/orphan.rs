//! Containers whose shim is gone.
//!
//! containerd then calls the shim anew, to delete what is left. The crate that makes containers does nothing then: the
//! guest would go on, with its control group.

use libcontainer::container::Container;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the crate that makes containers keeps their states.
const STATES: &str = "/run/containerd/dunlin";

/// If that is what the shim is called for, ends and removes a container that is left.
pub(crate) fn remove_if_asked(args: impl Iterator<Item = OsString>) {
    let Some(state) = asked(args) else { return };
    let Ok(mut container) = Container::load(state) else { return };
    if let Err(error) = container.delete(true) {
        eprintln!("what is left of the container can't be removed: {error}");
    }
}

/// Where the state is of the container that shall be deleted.
fn asked(args: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let args: Vec<_> = args.collect();
    if args.last()? != "delete" {
        return None;
    }
    let after = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1).filter(|value| !value.is_empty())
    };
    Some(Path::new(STATES).join(after("-namespace")?).join(after("-id")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<String> {
        let state = asked(line.split(' ').map(OsString::from));
        state.map(|path| path.display().to_string())
    }

    #[test]
    fn only_deleting_removes() {
        let line = "-namespace k8s.io -address /run/c.sock -id box delete";
        assert_eq!(of(line), Some("/run/containerd/dunlin/k8s.io/box".into()));
        assert_eq!(of("-namespace k8s.io -id delete start"), None);
        assert_eq!(of("-namespace k8s.io delete"), None);
        assert_eq!(of(""), None);
    }
}
