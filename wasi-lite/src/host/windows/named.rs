//! What is done with a name in a directory, on Windows. `cap-std` gets the names, since here they may hold separators and
//! drives: it keeps those in the sandbox.

use super::names::NameInDir;
use crate::errno::Errno;
use cap_fs_ext::DirExt;

impl NameInDir<'_> {
    pub(crate) fn create_dir(&self) -> Result<(), Errno> {
        Ok(self.parent().create_dir(self.name())?)
    }

    pub(crate) fn remove_dir(&self) -> Result<(), Errno> {
        Ok(self.parent().remove_dir(self.name())?)
    }

    pub(crate) fn remove_file(&self) -> Result<(), Errno> {
        Ok(self.parent().remove_file_or_symlink(self.name())?)
    }

    /// Whether there is such a name, as an error if not.
    pub(crate) fn check_exists(&self) -> Result<(), Errno> {
        Ok(self.parent().symlink_metadata(self.name()).map(|_| ())?)
    }

    /// Makes `to` another name of what is there.
    pub(crate) fn link(&self, to: &NameInDir<'_>) -> Result<(), Errno> {
        Ok(self.parent().hard_link(self.name(), to.parent(), to.name())?)
    }

    pub(crate) fn rename(&self, to: &NameInDir<'_>) -> Result<(), Errno> {
        Ok(self.parent().rename(self.name(), to.parent(), to.name())?)
    }

    /// Makes it a symbolic link to `target`, which the system may allow only to some users.
    pub(crate) fn symlink(&self, target: &str) -> Result<(), Errno> {
        Ok(DirExt::symlink(self.parent(), target, self.name())?)
    }

    /// Stores where the symbolic link leads, as much of that as `target` holds; returns how much it is.
    pub(crate) fn read_link(&self, target: &mut [u8]) -> Result<usize, Errno> {
        let path = self.parent().read_link(self.name())?;
        let path = path.to_str().ok_or(Errno::ILSEQ)?.as_bytes();
        let count = path.len().min(target.len());
        target[..count].copy_from_slice(&path[..count]);
        Ok(count)
    }
}
