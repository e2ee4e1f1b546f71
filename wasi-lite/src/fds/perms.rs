//! What is granted at a preopened directory.

use bitflags::bitflags;

bitflags! {
    /// What a guest may do with the directories below a preopened one.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct DirPerms: u8 {
        /// List them, look up names in them, and open what they contain.
        const READ = 1;
        /// Create, rename and remove what they contain.
        const MUTATE = 2;
    }

    /// What a guest may do with the files below a preopened directory.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct FilePerms: u8 {
        /// Read them.
        const READ = 1;
        /// Write, truncate and extend them, and set their times.
        const WRITE = 2;
    }
}
