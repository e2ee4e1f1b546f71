//! `modules.toml`: which programs a site has, and where.

use super::program::{Program, ProgramOptions, Volume};
use super::route::Route;
use super::site::Site;
use crate::services::log::{Level, Log};
use dunlin::Module;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What a `modules.toml` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    /// Accepted as WAGI has it, and of no meaning: a client's `Host` and the server's address tell as much.
    #[serde(default)]
    pub default_host: Option<String>,
    /// The programs, in the order in which routes are looked at.
    #[serde(default, rename = "module")]
    pub modules: Vec<ModuleEntry>,
}

/// A program of a `modules.toml`. The last four fields are Dunlin's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleEntry {
    /// The paths that it answers.
    pub route: String,
    /// Where the module is: a file's path, `file:` with one, or a reference to a registry.
    pub module: String,
    /// The function to call, if it isn't `_start`.
    pub entrypoint: Option<String>,
    /// See [`ProgramOptions::argv`].
    pub argv: Option<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Folders: the program's name for each, and where it is.
    #[serde(default)]
    pub volumes: BTreeMap<String, String>,
    /// Hosts that it may ask.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Accepted as WAGI has it.
    pub http_max_concurrency: Option<u32>,
    /// Bytes of memory that a request may take.
    pub memory: Option<u64>,
    /// Fuel that a request may take.
    pub fuel: Option<u64>,
    /// Seconds that a request may take.
    pub timeout: Option<f64>,
    /// Bytes of a request's body.
    pub max_body: Option<u64>,
}

impl Modules {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// If it isn't TOML, or says what a `modules.toml` can't say.
    pub fn parse(text: &str) -> Result<Self, String> {
        let modules: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match modules.modules.iter().find(|entry| !entry.route.starts_with('/')) {
            Some(entry) => {
                Err(format!("the route '{}' doesn't begin with a slash", entry.route.escape_debug()))
            }
            None if modules.modules.is_empty() => Err("there is no [[module]] in it".into()),
            None => Ok(modules),
        }
    }

    /// The site that it describes. `load` loads modules by their references, each once; `environment` is what all
    /// programs get besides.
    ///
    /// # Errors
    ///
    /// If a module can't be loaded, or isn't what its entry says.
    pub fn site(
        &self,
        environment: &[(String, String)],
        log: Arc<dyn Log>,
        mut load: impl FnMut(&str) -> Result<Module, String>,
    ) -> Result<Site, String> {
        let mut loaded = BTreeMap::<&str, Module>::new();
        let mut site = Site::new(log.clone());
        site.tell_health();
        for entry in &self.modules {
            let module = match loaded.get(&*entry.module) {
                Some(module) => module.clone(),
                None => load(&entry.module)?,
            };
            loaded.insert(&entry.module, module.clone());
            let program = Program::new(&module, entry.options(environment)?)
                .map_err(|error| format!("{} for {}: {error}", entry.module, entry.route))?;
            if !entry.allowed_hosts.is_empty() {
                let line = "allowed_hosts: programs have no HTTP client yet, so nothing is asked";
                log.write(Level::Warn, &entry.route, line);
            }
            site.add_with_its_routes(Route::new(&entry.route), program)
                .map_err(|error| format!("{} for {}: {error}", entry.module, entry.route))?;
        }
        Ok(site)
    }
}

impl ModuleEntry {
    fn options(&self, environment: &[(String, String)]) -> Result<ProgramOptions, String> {
        let volumes = self.volumes.iter().map(|(guest, host)| Volume {
            host: host.into(),
            guest: guest.clone(),
            read_only: false,
        });
        let time = self.timeout.map(Duration::try_from_secs_f64).transpose();
        let time = time.map_err(|error| format!("timeout of {}: {error}", self.route))?;
        Ok(ProgramOptions {
            entrypoint: self.entrypoint.clone(),
            argv: self.argv.clone(),
            environment: environment.iter().cloned().chain(self.environment.clone()).collect(),
            volumes: volumes.collect(),
            memory: self.memory,
            fuel: self.fuel,
            time,
            body: self.max_body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read() {
        let modules = Modules::parse(
            r#"
            default_host = "localhost:3000"
            [[module]]
            route = "/"
            module = "hello.wasm"
            [[module]]
            route = "/files/..."
            module = "oci:example.org/files:1"
            entrypoint = "list"
            argv = "list ${ARGS}"
            volumes = { "/data" = "/srv/data" }
            environment = { MODE = "fast" }
            allowed_hosts = ["https://example.org"]
            http_max_concurrency = 2
            memory = 1048576
            timeout = 0.5
            "#,
        )
        .unwrap();
        assert_eq!(modules.modules.len(), 2);
        let options = modules.modules[1].options(&[("MODE".into(), "slow".into())]).unwrap();
        assert_eq!(options.environment.last().unwrap().1, "fast");
        assert_eq!((options.memory, options.time), (Some(1 << 20), Some(Duration::from_millis(500))));
        assert_eq!(options.volumes[0].guest, "/data");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let entry = "[[module]]\nroute = \"/\"\nmodule = \"m.wasm\"\n";
        for (text, sentence) in [
            (String::new(), "no [[module]]"),
            ("[[module]]\nroute = \"/\"".into(), "module"),
            (entry.replace("\"/\"", "\"x\""), "slash"),
            (format!("{entry}volume = {{}}"), "volume"),
            ("[[module".into(), ""),
        ] {
            let error = Modules::parse(&text).unwrap_err();
            assert!(error.contains(sentence), "{error}");
        }
        let mut modules = Modules::parse(&format!("{entry}timeout = -1.0")).unwrap();
        assert!(modules.modules.remove(0).options(&[]).unwrap_err().contains("timeout"));
    }
}
