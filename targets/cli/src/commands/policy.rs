//! `dunlin policy`

use crate::args::PolicyOptions;
use crate::failure::{EXIT_FUEL, EXIT_TRAP, Failure, io_reason};
use crate::host::streams::StandardInput;
use crate::modules::load::display_name;
use crate::modules::policy::{PolicyModule, load_policy};
use crate::output::{complain, print};
use dunlin::{Budget, Config, Engine, ErrorKind, Trap};
use dunlin_hosts::opa;
use dunlin_hosts::opa::{BundleOptions, Policy, PolicyError, VerificationKey};
use dunlin_hosts::services::http::{AllowList, Client};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Evaluates a policy, and gives the exit code.
pub(crate) fn policy(options: &PolicyOptions) -> Result<u8, Failure> {
    let mut config = Config::new();
    config.consume_fuel(options.fuel.is_some());
    if let Some(bytes) = options.memory_budget {
        config.budget(Budget::new(bytes));
    }
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let PolicyModule { module, data, .. } =
        load_policy(&engine, &options.policy, &options.registry, &accepted_bundles(options, &engine)?)?;
    let mut policy =
        opa::PolicyOptions::default().print(|message| complain(message)).look_names_up(options.lookup);
    if let Some(fuel) = options.fuel {
        policy = policy.fuel(fuel);
    }
    if !options.hosts.is_empty() {
        let mut allowed = AllowList::none();
        for host in &options.hosts {
            allowed.allow(host).map_err(|error| Failure::usage(format_args!("--allow-host: {error}")))?;
        }
        policy = policy.http(Client::new(allowed));
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

/// Which bundles are accepted, as the options say.
fn accepted_bundles(options: &PolicyOptions, engine: &Engine) -> Result<BundleOptions, Failure> {
    let accepted = BundleOptions::default().budget(engine.budget());
    let Some(given) = &options.verification_key else {
        return Ok(if options.skip_verify { accepted.skip_verification() } else { accepted });
    };
    let algorithm = options.signing_algorithm.as_deref().unwrap_or("RS256");
    // A secret is given as it is, unless it is the name of a file.
    let key = match Path::new(given).is_file() {
        true => read_text(given.as_ref())?,
        false => given.clone(),
    };
    let key = VerificationKey::new(&key, algorithm)
        .map_err(|error| Failure::usage(format_args!("--verification-key: {error}")))?;
    Ok(accepted.verify(key.scope(options.scope.as_deref().unwrap_or_default())))
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
        PolicyError::DeniedBuiltins(_) => {
            return Failure::unusable(format_args!("{error}; see --allow-host and --allow-lookup"));
        }
        _ => return Failure::unusable(error),
    };
    match (cause.kind(), cause.trap()) {
        (ErrorKind::OutOfBudget, _) => Failure::over_budget(error),
        (_, Some(Trap::OutOfFuel)) => Failure::new(EXIT_FUEL, error),
        (ErrorKind::Trap, _) => Failure::new(EXIT_TRAP, error),
        _ => Failure::unusable(error),
    }
}

fn read_text(path: &OsStr) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path == "-" {
        true => StandardInput::lock().read_to_string(&mut text),
        false => File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::unusable(format_args!("{}: {}", display_name(path), io_reason(&error))))?;
    Ok(text)
}
