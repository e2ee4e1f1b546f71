//! The options of commands that evaluate policies.

use super::table::{Opt, OptionGroup};
use super::values::{add, set};

/// Which bundles are accepted, and what builtins may do.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct PolicyGrants {
    /// What bundles must be signed by: a file with a key, or a secret.
    pub(crate) verification_key: Option<String>,
    pub(crate) signing_algorithm: Option<String>,
    pub(crate) scope: Option<String>,
    /// Whether signatures aren't looked at.
    pub(crate) skip_verify: bool,
    /// Where `http.send` may send requests.
    pub(crate) hosts: Vec<String>,
    /// Whether `net.lookup_ip_addr` may ask the system.
    pub(crate) lookup: bool,
}

/// Options of a command that has these among them.
pub(super) trait EvaluatesPolicies: Sized + 'static {
    fn policies(&mut self) -> &mut PolicyGrants;

    const SIGNATURES: OptionGroup<Self> = OptionGroup {
        title: "Signed bundles",
        options: &[
            Opt::value(
                "--verification-key KEY",
                |o: &mut Self, given| set(&mut o.policies().verification_key, given.string()),
                "Refuse bundles that aren't signed by this key: a file with a public key or a certificate in PEM, or for \
                 HS256 and its like the secret itself.",
            ),
            Opt::value(
                "--signing-alg NAME",
                |o: &mut Self, given| set(&mut o.policies().signing_algorithm, given.string()),
                "The algorithm of the signature. The default is RS256.",
            ),
            Opt::value(
                "--scope NAME",
                |o: &mut Self, given| set(&mut o.policies().scope, given.string()),
                "The scope that the signature must have.",
            ),
            Opt::flag(
                "--skip-verify",
                |o: &mut Self| &mut o.policies().skip_verify,
                "Accept a signed bundle without a key.",
            ),
        ],
    };

    const BUILTINS: OptionGroup<Self> = OptionGroup {
        title: "What policies' builtins may do (by default, policies that use them are refused)",
        options: &[
            Opt::value(
                "--allow-host HOST",
                |o: &mut Self, given| add(&mut o.policies().hosts, given.string()),
                "Let http.send, backends that a Fastly application makes, or runnables send requests there: a host, with a \
                 port if it isn't the usual one. It may be given several times.",
            ),
            Opt::flag(
                "--allow-lookup",
                |o: &mut Self| &mut o.policies().lookup,
                "Let net.lookup_ip_addr look up names.",
            ),
        ],
    };
}
