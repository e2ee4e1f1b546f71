//! What is served, and how it is loaded.

use super::actors::{Lasting, actors};
use super::runnables;
use super::watch::Watched;
use crate::args::ServeOptions;
use crate::failure::{Failure, io_reason};
use crate::modules::load::{Opened, Whole, display_name, is_in_registry};
use crate::modules::policy::{
    PolicyModule, accepted_bundles, allowed, explained, granted, is_bundle, load_policy,
};
use dunlin::{Engine, Module, ModuleOptions};
use dunlin_hosts::Abi;
use dunlin_hosts::fastly::{App, AppOptions, LocalServer};
use dunlin_hosts::opa::{Policy, PolicyError, PolicyServer};
use dunlin_hosts::proxy::{InvalidUpstream, Proxy, ProxyOptions};
use dunlin_hosts::proxy_wasm::{Level as FilterLevel, Message, Plugin, PluginOptions};
use dunlin_hosts::server::Handler;
use dunlin_hosts::services::log::{Level, Log};
use dunlin_hosts::wagi::{Drain, Modules, Program, ProgramOptions, Route, Site, Volume};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What is served.
pub(super) struct Served {
    options: ServeOptions,
    engine: Engine,
    log: Arc<dyn Log>,
    /// What outlives the actors that are served.
    lasting: Lasting,
    /// Where requests in flight are kept at the end.
    drain: Option<Drain>,
    /// The first site that was loaded, if programs are served.
    first_site: OnceLock<Arc<Site>>,
}

impl Served {
    pub(super) fn new(
        options: ServeOptions,
        engine: Engine,
        log: Arc<dyn Log>,
        drain: Option<Drain>,
    ) -> Self {
        Self { options, engine, log, lasting: Lasting::default(), drain, first_site: OnceLock::new() }
    }

    /// The first site that was loaded, if programs are served.
    pub(super) fn first_site(&self) -> Option<Arc<Site>> {
        self.first_site.get().cloned()
    }

    /// Loads it, and says which files it consists of.
    pub(super) fn load(&self) -> Result<(Arc<dyn Handler>, Watched), Failure> {
        let is_site = Path::new(&self.options.what).extension().is_some_and(|end| end == "toml");
        match self.options.filters.is_empty() {
            false => self.not_drained().and_then(|()| self.load_proxy()),
            true if is_site => self.load_site(),
            true if runnables::is_archive(&self.options.what) => {
                self.not_drained()?;
                runnables::load_archive(&self.options, &self.engine, &self.log)
            }
            true => self.load_alone(),
        }
    }

    /// That nothing is to be kept of requests to what isn't a program.
    fn not_drained(&self) -> Result<(), Failure> {
        match self.drain {
            None => Ok(()),
            Some(_) => Err(Failure::usage(
                "--drain is for WASI programs: requests to anything else can't be kept while they are in flight",
            )),
        }
    }

    /// Has a site answer requests, and keeps what is in flight at the end.
    fn drained(&self, mut site: Site) -> Arc<dyn Handler> {
        if let Some(drain) = &self.drain {
            site.drain_to(drain);
        }
        let site = Arc::new(site);
        self.first_site.get_or_init(|| site.clone());
        site
    }

    /// Loads a module or a bundle: what the module was made for says how it is served.
    fn load_alone(&self) -> Result<(Arc<dyn Handler>, Watched), Failure> {
        let what = &self.options.what;
        // Before it is read, so that no change goes unseen.
        let watched = Watched::new([what.into()]);
        let PolicyModule { module, bytes, data, roots } =
            match is_bundle(what) || is_in_registry(what) || what == "-" {
                true => {
                    let accepted = accepted_bundles(&self.options.policies, &self.engine)?;
                    load_policy(&self.engine, what, &self.options.registry, &accepted)?
                }
                false => self.opened(what)?.load_whole(&self.engine, &ModuleOptions::new())?.into(),
            };
        let name = display_name(what);
        let abi = Abi::detect(&module);
        // Without imports it is known by its function alone.
        let is_program = matches!(abi, Some(Abi::WasiCommand) | None) && data.is_none();
        if !is_program {
            self.not_drained()?;
        }
        if abi == Some(Abi::WasmCloudActor) {
            let first = Whole { module, bytes };
            return actors(&self.options, &self.engine, &self.log, &self.lasting, first);
        }
        // Others need nothing but the module.
        drop(bytes);
        match abi {
            _ if is_program => {}
            // What isn't one is told so.
            Some(Abi::Opa | Abi::WasiCommand) | None => {
                let policy = PolicyModule { module, bytes: Vec::new(), data, roots };
                return Ok((self.policy(policy)?, watched));
            }
            Some(Abi::Fastly) => return self.app(&module),
            Some(Abi::Atmo) => {
                return Ok((runnables::alone(&module, &self.options, &self.log)?, watched));
            }
            Some(abi) => {
                return Err(Failure::unusable(format_args!(
                    "{name}: dunlin serve has no host for this: {abi}"
                )));
            }
        }
        let volumes = self.options.dirs.iter().map(|dir| Volume {
            host: dir.host.clone(),
            guest: dir.guest.clone(),
            read_only: dir.read_only,
        });
        let options = ProgramOptions {
            environment: self.options.env.clone(),
            volumes: volumes.collect(),
            ..ProgramOptions::default()
        };
        let program = Program::new(&module, options)
            .map_err(|error| Failure::of(error.kind(), format_args!("{name}: {error}")))?;
        let mut site = Site::new(self.log.clone());
        site.add(Route::all(), program);
        Ok((self.drained(site), watched))
    }

    /// Has an application of Fastly's answer requests.
    fn app(&self, module: &Module) -> Result<(Arc<dyn Handler>, Watched), Failure> {
        let what = PathBuf::from(&self.options.what);
        let mut options = AppOptions {
            environment: self.options.env.clone(),
            dynamic: allowed(&self.options.policies)?,
            log: self.log.clone(),
            ..AppOptions::default()
        };
        let config = self.options.config.clone();
        let watched = Watched::new([what].into_iter().chain(config.clone()));
        if let Some(path) = config {
            let name = path.display();
            let text = fs::read_to_string(&path)
                .map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
            options.config = LocalServer::parse(&text, path.parent().unwrap_or(Path::new("")))
                .map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
        }
        let name = display_name(&self.options.what);
        let app = App::new(module, options)
            .map_err(|error| Failure::of(error.kind(), format_args!("{name}: {error}")))?;
        Ok((Arc::new(app), watched))
    }

    /// Has a policy answer requests as OPA does.
    fn policy(
        &self,
        PolicyModule { module, data, roots, .. }: PolicyModule,
    ) -> Result<Arc<dyn Handler>, Failure> {
        let name = display_name(&self.options.what);
        let failure = |error: PolicyError| Failure::unusable(format_args!("{name}: {}", explained(&error)));
        let log = self.log.clone();
        let options =
            granted(&self.options.policies)?.print(move |message| log.write(Level::Info, "policy", message));
        let policy = Policy::new(&module, options).map_err(failure)?;
        let server = PolicyServer::new(&policy, data.as_deref().unwrap_or("{}"), self.log.clone());
        Ok(Arc::new(server.map_err(failure)?.roots(roots)))
    }

    fn load_site(&self) -> Result<(Arc<dyn Handler>, Watched), Failure> {
        let path = &self.options.what;
        let name = display_name(path);
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
        let modules = Modules::parse(&text)
            .map_err(|error| Failure::unusable(format_args!("{name}: {}", error.trim_end())))?;
        let files = modules.modules.iter().map(|entry| place(&entry.module).into());
        let watched = Watched::new(files.chain([path.into()]));
        let load =
            |reference: &str| self.module(place(reference).as_ref()).map_err(|failure| failure.message);
        let site = modules
            .site(&self.options.env, self.log.clone(), load)
            .map_err(|error| Failure::unusable(format_args!("{name}: {error}")))?;
        Ok((self.drained(site), watched))
    }

    fn load_proxy(&self) -> Result<(Arc<dyn Handler>, Watched), Failure> {
        let watched = Watched::new(self.options.filters.iter().map(|(file, _)| file.into()));
        let unusable = |error: InvalidUpstream| Failure::unusable(error);
        let upstream = self.options.upstream.as_deref().unwrap_or_default();
        let mut options = ProxyOptions::to(upstream).map_err(unusable)?.budget(self.engine.budget());
        for (name, url) in &self.options.clusters {
            options = options.cluster(name, url).map_err(unusable)?;
        }
        let plugins = self.options.filters.iter().map(|(file, config)| self.plugin(file, config));
        let plugins: Vec<_> = plugins.collect::<Result<_, _>>()?;
        let proxy = Proxy::new(&plugins, options).map_err(Failure::unusable)?;
        Ok((Arc::new(proxy), watched))
    }

    fn plugin(&self, file: &OsStr, config: &str) -> Result<Plugin, Failure> {
        let name = display_name(file);
        let log = self.log.clone();
        let write = move |message: Message<'_>| log.write(level(message.level), message.plugin, message.text);
        let mut options = PluginOptions::default()
            .name(&name)
            .configuration(config)
            .fail_open(self.options.fail_open)
            .log(FilterLevel::Info, write);
        for (cluster, _) in &self.options.clusters {
            options = options.upstream(cluster.as_str());
        }
        if let Some(bytes) = self.options.memory {
            options = options.budget(&self.engine.budget().sub_budget(bytes));
        }
        if let Some(fuel) = self.options.limits.fuel {
            options = options.fuel(fuel);
        }
        let unusable = |error| Failure::unusable(format_args!("{name}: {error}"));
        Plugin::new(&self.module(file)?, options).map_err(unusable)
    }

    fn module(&self, path: &OsStr) -> Result<Module, Failure> {
        self.opened(path)?.load(&self.engine, &ModuleOptions::new()).map(|(module, _)| module)
    }

    fn opened(&self, path: &OsStr) -> Result<Opened, Failure> {
        let opened = Opened::open(path, &self.options.registry)?;
        if opened.is_precompiled() {
            let name = &opened.name;
            return Err(Failure::unusable(format_args!("{name}: dunlin serve runs no precompiled files")));
        }
        Ok(opened)
    }
}

/// How important a filter's message is to the log.
fn level(level: FilterLevel) -> Level {
    match level {
        FilterLevel::Trace => Level::Trace,
        FilterLevel::Debug => Level::Debug,
        FilterLevel::Info => Level::Info,
        FilterLevel::Warn => Level::Warn,
        FilterLevel::Error | FilterLevel::Critical => Level::Error,
    }
}

/// Where a reference of a `modules.toml` leads: to a file, or a registry.
fn place(reference: &str) -> String {
    match reference.split_once(':') {
        Some(("file", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            path.into()
        }
        Some(("oci", name)) if !name.starts_with("//") => format!("oci://{name}"),
        _ => reference.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn references_are_files_or_in_registries() {
        for (reference, leads) in [
            ("app.wasm", "app.wasm"),
            ("file:///srv/app.wasm", "/srv/app.wasm"),
            ("file:/srv/app.wasm", "/srv/app.wasm"),
            ("file:app.wasm", "app.wasm"),
            ("oci:example.org/app:1", "oci://example.org/app:1"),
            ("oci://example.org/app:1", "oci://example.org/app:1"),
        ] {
            assert_eq!(place(reference), leads);
        }
    }
}
