//! What there is on the command line, apart from what parses it: the help, completions and the manual are made of this.

#[cfg(feature = "manual")]
use dunlin_wasi_lite::Capability;

/// A command.
pub(crate) struct CommandOutline {
    #[cfg_attr(not(feature = "manual"), allow(dead_code, reason = "the help names it itself"))]
    pub(crate) name: &'static str,
    /// What a user reads besides the options, which stand where it says `{options}`.
    pub(crate) text: &'static str,
    pub(crate) groups: Vec<GroupOutline>,
}

/// Options that belong together.
pub(crate) struct GroupOutline {
    pub(crate) title: &'static str,
    pub(crate) options: Vec<OptionOutline>,
}

/// An option.
#[derive(Clone, Copy)]
pub(crate) struct OptionOutline {
    /// As it is called: `--fuel N`, or `-o, --output FILE`.
    pub(crate) form: &'static str,
    pub(crate) help: &'static str,
}

/// What an option's value is.
#[cfg(feature = "manual")]
pub(crate) enum Takes {
    /// One of these.
    Words(Vec<&'static str>),
    File,
    Folder,
    /// Whatever the help says.
    Other,
}

/// The option that every command has.
pub(super) const HELP: OptionOutline = OptionOutline { form: "-h, --help", help: "Show this." };

#[cfg(feature = "manual")]
impl CommandOutline {
    /// What it does, in a line.
    pub(crate) fn summary(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Whether what follows its operand is the program's.
    pub(crate) fn is_followed_by_arguments(&self) -> bool {
        self.text.contains("[ARGS]...")
    }

    pub(crate) fn options(&self) -> impl Iterator<Item = OptionOutline> {
        self.groups.iter().flat_map(|group| group.options.iter().copied())
    }
}

impl OptionOutline {
    /// `-o` and `--output`.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        self.form.split(", ").map(|name| name.split([' ', '[']).next().unwrap_or(name))
    }
}

#[cfg(feature = "manual")]
impl OptionOutline {
    /// What comes behind its name in its form. Words in lower case stand for themselves.
    pub(crate) fn value(self) -> Option<&'static str> {
        let last = self.form.rsplit(", ").next()?;
        last.split_once(' ').map(|(_, value)| value)
    }

    pub(crate) fn takes(self) -> Takes {
        let value = self.value().unwrap_or_default();
        match value.split(['[', ',']).next().unwrap_or_default() {
            "CAPABILITY" => {
                Takes::Words(Capability::ALL.iter().map(|capability| capability.name()).collect())
            }
            "FILE" => Takes::File,
            "HOST" if value.contains("::") => Takes::Folder,
            words if words.is_empty() || words.contains(|c: char| c.is_ascii_uppercase()) => Takes::Other,
            words => Takes::Words(words.split('|').collect()),
        }
    }
}
