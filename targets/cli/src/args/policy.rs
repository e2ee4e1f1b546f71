//! The options of `dunlin policy`.

use super::limits::{LimitsWork, WorkLimits};
use super::policies::{EvaluatesPolicies, PolicyGrants};
use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{CommandOptions, Opt, OptionGroup, Rest};
use super::values::set;
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin policy eval`.
#[derive(Debug, Default)]
pub(crate) struct PolicyOptions {
    /// `eval`, which is the only thing to be done yet.
    verb: bool,
    /// The policy: a path, or `-`.
    pub(crate) policy: OsString,
    /// What to evaluate.
    pub(crate) entrypoint: Option<String>,
    /// Only list what can be evaluated.
    pub(crate) list: bool,
    /// A file with the input.
    pub(crate) input: Option<OsString>,
    /// A file with the data.
    pub(crate) data: Option<OsString>,
    /// Whether an undefined result is a failure.
    pub(crate) fail: bool,
    /// Whether a defined result is one.
    pub(crate) fail_defined: bool,
    /// Which bundles are accepted, and what builtins may do.
    pub(crate) policies: PolicyGrants,
    /// How much it may use.
    pub(crate) limits: WorkLimits,
    /// How a registry is asked for the policy.
    pub(crate) registry: RegistryOptions,
}

impl AsksRegistries for PolicyOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl EvaluatesPolicies for PolicyOptions {
    fn policies(&mut self) -> &mut PolicyGrants {
        &mut self.policies
    }
}

impl LimitsWork for PolicyOptions {
    fn limits(&mut self) -> &mut WorkLimits {
        &mut self.limits
    }
}

impl CommandOptions for PolicyOptions {
    const COMMAND: &'static str = "policy";
    const HELP: &'static str = include_str!("../help/policy.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::value(
                    "-e, --entrypoint PATH",
                    |o, given| set(&mut o.entrypoint, given.string()),
                    "What to evaluate, such as example/allow. It may be left out if the policy has only one.",
                ),
                Opt::flag(
                    "--entrypoints",
                    |o| &mut o.list,
                    "List what can be evaluated, and evaluate nothing.",
                ),
                Opt::value(
                    "-i, --input FILE",
                    |o, given| set(&mut o.input, Ok(given.value.into())),
                    "The input, a JSON document; - is standard input.",
                ),
                Opt::value(
                    "-d, --data FILE",
                    |o, given| set(&mut o.data, Ok(given.value.into())),
                    "The data, a JSON document; - is standard input. The default is a bundle's own, or {}.",
                ),
                Opt::flag("--fail", |o| &mut o.fail, "Exit with 1 if the result is undefined."),
                Opt::flag("--fail-defined", |o| &mut o.fail_defined, "Exit with 1 if the result is defined."),
            ],
        },
        Self::SIGNATURES,
        Self::BUILTINS,
        OptionGroup {
            title: "How much it may use",
            options: &[Self::TIMEOUT, Self::FUEL, Self::MEMORY_BUDGET],
        },
        Self::REGISTRY,
    ];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        if !self.verb {
            if operand != "eval" {
                return Err(Failure::usage(format_args!(
                    "'{}' is nothing to do with a policy: it is dunlin policy eval; see 'dunlin policy --help'",
                    operand.to_string_lossy()
                )));
            }
            self.verb = true;
        } else if self.policy.is_empty() {
            self.policy = operand;
        } else {
            return Err(Failure::usage(format_args!(
                "'{}' is one policy too many; see 'dunlin policy --help'",
                operand.to_string_lossy()
            )));
        }
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        let missing = match () {
            _ if !self.verb => "what to do is missing: dunlin policy eval",
            _ if self.policy.is_empty() => "a policy is missing: a file, or - for standard input",
            _ => {
                let from_input = [Some(&self.policy), self.input.as_ref(), self.data.as_ref()];
                if from_input.into_iter().flatten().filter(|path| *path == "-").count() > 1 {
                    return Err(Failure::usage("only one of policy, input and data can be standard input"));
                }
                return Ok(());
            }
        };
        Err(Failure::usage(format_args!("{missing}; see 'dunlin policy --help'")))
    }
}
