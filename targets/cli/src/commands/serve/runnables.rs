//! Atmo's runnables: bundles of them, or one by itself.

use super::watch::Watched;
use crate::args::ServeOptions;
use crate::failure::{Failure, io_reason};
use crate::host::reserve;
use crate::modules::load::display_name;
use crate::modules::policy::allowed;
use dunlin::{Engine, Module};
#[cfg(feature = "sqlite")]
use dunlin_hosts::atmo::Sqlite;
use dunlin_hosts::atmo::{App, AppOptions, Bundle, BundleError, Database, Query};
use dunlin_hosts::server::{Handler, Limits};
use dunlin_hosts::services::http::Client;
use dunlin_hosts::services::log::Log;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// Whether this is a file with an archive.
pub(super) fn is_archive(path: &OsStr) -> bool {
    /// How ZIP archives begin that have a file.
    const ZIP: &[u8] = b"PK\x03\x04";
    let mut begin = Vec::new();
    let read = File::open(path).map(|file| file.take(ZIP.len() as u64).read_to_end(&mut begin));
    read.is_ok() && begin == ZIP
}

/// Loads a bundle that answers requests.
pub(super) fn load_archive(
    options: &ServeOptions,
    engine: &Engine,
    log: &Arc<dyn Log>,
) -> Result<(Arc<dyn Handler>, Watched), Failure> {
    let what = &options.what;
    let name = display_name(what);
    let watched = Watched::new([what.into()]);
    let read = reserve::during(|| whole(what, Bundle::MOST_PACKED))?;
    let bytes = read.map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
    let told = |error: BundleError| match &error {
        BundleError::OutOfBudget(_) => Failure::over_budget(format_args!("{name}: {error}")),
        BundleError::Module(_, inner) => Failure::of(inner.kind(), format_args!("{name}: {error}")),
        _ => Failure::unusable(format_args!("{name}: {error}")),
    };
    let bundle = reserve::during(|| Bundle::read(engine, &bytes))?.map_err(told)?;
    let mut app = app_options(options, log)?;
    app.database = database(options, bundle.queries())?;
    let app = App::new(bundle, &app).map_err(told)?;
    Ok((Arc::new(app), watched))
}

/// What answers these queries, if there is anything.
#[cfg(feature = "sqlite")]
fn database(options: &ServeOptions, queries: &[Query]) -> Result<Option<Arc<dyn Database>>, Failure> {
    let Some(path) = &options.database else { return Ok(None) };
    let opened = Sqlite::open(path, queries);
    let opened = opened.map_err(|error| Failure::unusable(format_args!("{}: {error}", path.display())))?;
    Ok(Some(Arc::new(opened)))
}

#[cfg(not(feature = "sqlite"))]
fn database(options: &ServeOptions, _: &[Query]) -> Result<Option<Arc<dyn Database>>, Failure> {
    match options.database {
        None => Ok(None),
        Some(_) => Err(Failure::usage(
            "this build of dunlin has no database, so there is no --database: build it with the feature 'sqlite'",
        )),
    }
}

/// Has one runnable answer every request.
pub(super) fn alone(
    module: &Module,
    options: &ServeOptions,
    log: &Arc<dyn Log>,
) -> Result<Arc<dyn Handler>, Failure> {
    let name = display_name(&options.what);
    let app = App::of_runnable(module, &name, &app_options(options, log)?)
        .map_err(|error| Failure::of(error.kind(), format_args!("{name}: {error}")))?;
    Ok(Arc::new(app))
}

fn app_options(options: &ServeOptions, log: &Arc<dyn Log>) -> Result<AppOptions, Failure> {
    let allowed = allowed(&options.policies)?;
    let mut app = AppOptions { environment: options.env.clone(), log: log.clone(), ..AppOptions::default() };
    if !allowed.is_none() {
        app.http = Some(Arc::new(Client::new(allowed)));
    }
    let Limits { memory, fuel, time, body: _ } = &mut app.jobs;
    *memory = options.memory.unwrap_or(*memory);
    *fuel = options.limits.fuel;
    *time = options.limits.timeout.unwrap_or(*time);
    Ok(app)
}

/// The whole of a file that is no larger than this.
fn whole(path: &OsStr, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes"))),
        false => Ok(bytes),
    }
}
