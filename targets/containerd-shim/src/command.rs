//! The line of the command `dunlin` that a container stands for.

use crate::module::OpenModule;
use containerd_shim_wasm::sandbox::context::RuntimeContext;
use std::ffi::OsString;

/// The variable of a container that answers HTTP requests: the address where it listens.
const SERVE: &str = "DUNLIN_SERVE";

/// What a program's start is called.
const START: &str = "_start";

/// What a container says about its program.
pub(crate) struct Command {
    args: Vec<String>,
    env: Vec<String>,
    function: String,
    address: Option<String>,
}

impl Command {
    /// What the container's configuration says.
    pub(crate) fn new(context: &impl RuntimeContext) -> Self {
        Self::of(context.args(), context.envs(), context.entrypoint().func)
    }

    fn of(args: &[String], env: &[String], function: String) -> Self {
        // What has no name can't be handed on, and what has no value is empty.
        let variable = |text: &String| match text.split_once('=') {
            Some(("", _)) => None,
            Some(_) => Some(text.clone()),
            None => (!text.is_empty()).then(|| format!("{text}=")),
        };
        let env: Vec<_> = env.iter().filter_map(variable).collect();
        let address = env.iter().find_map(|text| text.strip_prefix(SERVE)?.strip_prefix('='));
        let address = address.map(Into::into);
        Self { args: args.to_vec(), env, function, address }
    }

    /// Whether the program answers requests.
    pub(crate) fn serves(&self) -> bool {
        self.address.is_some()
    }

    /// The line, without the command's own name. Memory is counted against `budget`, in bytes.
    pub(crate) fn line(&self, module: &OpenModule, budget: Option<u64>) -> Vec<OsString> {
        let mut line: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| line.extend(words.iter().map(OsString::from));
        match &self.address {
            Some(address) => add(&["serve", "--addr", address]),
            None => add(&["run"]),
        }
        add(&["--dir", "/"]);
        self.env.iter().for_each(|variable| add(&["--env", variable]));
        if let Some(bytes) = budget {
            add(&["--memory-budget", &bytes.to_string()]);
        }
        if self.serves() {
            line.push(module.path.clone().into());
            return line;
        }
        if module.trusted {
            add(&["--allow-precompiled"]);
        }
        if self.function != START {
            add(&["--start", &self.function]);
        }
        let mut args = self.args.iter();
        if let Some(name) = args.next() {
            add(&["--argv0", name]);
        }
        line.push(module.path.clone().into());
        line.extend(args.map(OsString::from));
        line
    }
}
