//! `dunlin lambda`

use crate::args::LambdaOptions;
use crate::failure::Failure;
use crate::guest::tier::Tier;
use crate::guest::wasi::{inherited_env, preopen};
use crate::modules::load::Opened;
use crate::output::complain;
use dunlin::{Config, Engine, Error, ModuleOptions};
use dunlin_hosts::lambda::{self, Function, FunctionOptions, Runtime};
use dunlin_wasi_lite::WasiCtxBuilder;
use std::sync::Arc;

/// Answers events until Lambda ends it.
pub(crate) fn lambda(options: LambdaOptions) -> Result<u8, Failure> {
    let runtime = Runtime::of_environment().map_err(Failure::usage)?;
    let function = function(options).inspect_err(|failure| {
        if let Err(error) = runtime.fail_to_begin(&lambda::Failure::init(failure)) {
            complain(error);
        }
    })?;
    let Err(ended) = runtime.serve(&function);
    Err(Failure::unusable(ended))
}

fn function(options: LambdaOptions) -> Result<Function, Failure> {
    let mut config = Config::new();
    options.limits.configure(&mut config, false);
    let tier = Tier::configure(&options.tiering, &mut config);
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let opened = Opened::open(&options.module, &options.registry)?;
    let name = opened.name.clone();
    options.tiering.admit(&name, opened.is_precompiled())?;
    let (module, code) = opened.load(&engine, &ModuleOptions::new())?;
    tier.prepare(&name, &module, code)?;
    let mut how = FunctionOptions::default();
    (how.fuel, how.timeout, how.streams) = (options.limits.fuel, options.limits.timeout, options.streams);
    if options.inherit_env {
        how.env.extend(inherited_env());
    }
    how.env.extend(options.env);
    let dirs = options.dirs;
    // Better now than at each event.
    preopen(&mut WasiCtxBuilder::new(), &dirs)?;
    how.grant =
        Some(Arc::new(move |builder| preopen(builder, &dirs).map_err(|failure| Error::msg(failure.message))));
    Function::new(&module, how).map_err(|error| Failure::unusable(format_args!("{name}: {error}")))
}
