//! The options of commands that ask registries.

#[cfg(feature = "hosts")]
use super::{
    table::{Opt, OptionGroup},
    values::set,
};
#[cfg(feature = "hosts")]
use std::path::PathBuf;

/// How registries are asked, where there are any.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct RegistryOptions {
    /// Without TLS, other machines' too.
    #[cfg(feature = "hosts")]
    pub(crate) plain_http: bool,
    /// Not at all: what is in the cache must do.
    #[cfg(feature = "hosts")]
    pub(crate) offline: bool,
    /// A file with the key of who must have signed the module.
    #[cfg(feature = "hosts")]
    pub(crate) verify_key: Option<PathBuf>,
}

/// Options of a command that has these among them.
#[cfg(feature = "hosts")]
pub(super) trait AsksRegistries: Sized + 'static {
    fn registry(&mut self) -> &mut RegistryOptions;

    const PLAIN_HTTP: Opt<Self> = Opt::flag(
        "--plain-http",
        |o: &mut Self| &mut o.registry().plain_http,
        "Ask the registry without TLS, as one on this machine is anyway.",
    );

    const REGISTRY: OptionGroup<Self> = OptionGroup {
        title: "For a module in a registry",
        options: &[
            Self::PLAIN_HTTP,
            Opt::flag(
                "--offline",
                |o: &mut Self| &mut o.registry().offline,
                "Ask no registry: take what the cache has.",
            ),
            Opt::value(
                "--verify-key FILE",
                |o: &mut Self, given| set(&mut o.registry().verify_key, given.path()),
                "Refuse it unless the owner of this public key (Ed25519, in PEM) has signed it, as dunlin push --sign-key \
                 does.",
            ),
        ],
    };
}
