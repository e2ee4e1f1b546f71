//! `dunlin policy`

use crate::args::PolicyOptions;
use crate::failure::{EXIT_FUEL, EXIT_TIMEOUT, EXIT_TRAP, Failure};
use crate::guest::watchdog::Watchdog;
use crate::modules::policy::{PolicyModule, accepted_bundles, explained, granted, load_policy, read_text};
use crate::output::{complain, print};
use dunlin::{Config, Engine, ErrorKind, Trap};
use dunlin_hosts::opa::{Policy, PolicyError};
use std::time::{Duration, Instant};

/// Evaluates a policy, and gives the exit code.
pub(crate) fn policy(options: &PolicyOptions) -> Result<u8, Failure> {
    let _watchdog = options.limits.timeout.map(watch).transpose()?;
    let mut config = Config::new();
    options.limits.configure(&mut config, false);
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let PolicyModule { module, data, .. } = load_policy(
        &engine,
        &options.policy,
        &options.registry,
        &accepted_bundles(&options.policies, &engine)?,
    )?;
    let mut policy = granted(&options.policies)?.print(|message| complain(message));
    if let Some(fuel) = options.limits.fuel {
        policy = policy.fuel(fuel);
    }
    let policy = Policy::new(&module, policy).map_err(failure)?;
    if options.list {
        let entrypoints: String = policy.entrypoints().map(|entrypoint| format!("{entrypoint}\n")).collect();
        print(&entrypoints)?;
        return Ok(0);
    }
    let entrypoint = entrypoint(options, &policy)?;
    let data = match &options.data {
        Some(file) => read_text(file)?,
        None => data.unwrap_or_else(|| "{}".into()),
    };
    let input = options.input.as_deref().map(read_text).transpose()?;
    let mut evaluator = policy.evaluator(data).map_err(failure)?;
    let results = evaluator.evaluate(&entrypoint, input.as_deref()).map_err(failure)?;
    print(&format!("{results}\n"))?;
    let defined = results != "[]";
    Ok(u8::from(options.fail && !defined || options.fail_defined && defined))
}

/// Ends the process when the time is up. Nothing has to be saved then: all that there is to print is one line, at the end.
fn watch(timeout: Duration) -> Result<Watchdog, Failure> {
    Watchdog::start(Instant::now(), Some(timeout), false, move |_| {
        complain(format_args!("timed out after {timeout:?}"));
        std::process::exit(EXIT_TIMEOUT.into())
    })
}

fn entrypoint(options: &PolicyOptions, policy: &Policy) -> Result<String, Failure> {
    let mut entrypoints = policy.entrypoints();
    match (&options.entrypoint, entrypoints.next(), entrypoints.next()) {
        (Some(entrypoint), ..) => Ok(entrypoint.clone()),
        (None, Some(only), None) => Ok(only.into()),
        (None, None, _) => Err(Failure::unusable("the policy has no entrypoint")),
        (None, Some(_), Some(_)) => {
            let all: Vec<_> = policy.entrypoints().collect();
            Err(Failure::usage(format_args!("--entrypoint is missing; there are {}", all.join(", "))))
        }
    }
}

fn failure(error: PolicyError) -> Failure {
    let cause = match &error {
        PolicyError::Engine(cause) => cause,
        _ => return Failure::unusable(explained(&error)),
    };
    match (cause.kind(), cause.trap()) {
        (ErrorKind::OutOfBudget, _) => Failure::over_budget(error),
        (_, Some(Trap::OutOfFuel)) => Failure::new(EXIT_FUEL, error),
        (ErrorKind::Trap, _) => Failure::new(EXIT_TRAP, error),
        _ => Failure::unusable(error),
    }
}
