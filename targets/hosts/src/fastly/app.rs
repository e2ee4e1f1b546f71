//! An application: a module, and what it is configured with.

use super::calls;
use super::local_server::LocalServer;
use super::services::Services;
use super::session::Session;
use crate::prepared::Prepared;
use crate::server::{Failure, Handler, Request, Responder};
use crate::services::http::{AllowList, OutboundHttp};
use crate::services::log::{GuestLog, Log, NoLog};
use dunlin::{Error, Linker, Module, Store};
use dunlin_wasi_lite::{I32Exit, WasiCtxBuilder, WritePipe, add_to_linker};
use std::fmt;
use std::sync::Arc;

/// What an application is configured with.
#[derive(Clone)]
pub struct AppOptions {
    /// Its backends and stores.
    pub config: LocalServer,
    /// Variables of its environment, besides Fastly's own.
    pub environment: Vec<(String, String)>,
    /// How much its key-value stores may hold together, in bytes.
    pub stores: u64,
    /// Where backends may lead that it makes itself (dynamic ones); nowhere by default.
    pub dynamic: AllowList,
    /// What sends its requests to backends; a [client](crate::services::http::Direct) if it isn't given. URLs are made
    /// of the backends', so that requests go nowhere else.
    pub http: Option<Arc<dyn OutboundHttp>>,
    /// Where its logs go, and what it prints.
    pub log: Arc<dyn Log>,
}

impl Default for AppOptions {
    /// Without backends or stores, for which there would be 64 MiB, and without a log.
    fn default() -> Self {
        Self {
            config: LocalServer::default(),
            environment: Vec::new(),
            stores: 64 << 20,
            dynamic: AllowList::none(),
            http: None,
            log: Arc::new(NoLog),
        }
    }
}

impl fmt::Debug for AppOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, environment, stores, .. } = self;
        let mut f = f.debug_struct("AppOptions");
        f.field("config", config).field("environment", environment).field("stores", stores);
        f.finish_non_exhaustive()
    }
}

/// An application of Fastly Compute.
pub struct App {
    prepared: Prepared<Session>,
    services: Arc<Services>,
    environment: Vec<(String, String)>,
}

/// What an application finds in its environment. On Fastly, these say where it runs.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("FASTLY_CACHE_GENERATION", "0"),
    ("FASTLY_CUSTOMER_ID", "local"),
    ("FASTLY_HOSTNAME", "localhost"),
    ("FASTLY_IS_STAGING", "0"),
    ("FASTLY_POP", "local"),
    ("FASTLY_REGION", "local"),
    ("FASTLY_SERVICE_ID", "local"),
    ("FASTLY_SERVICE_VERSION", "0"),
];

impl App {
    /// Makes an application of a module. Functions that it imports and nobody provides trap when they are called. If it exports
    /// `wizer.initialize` or `wizer-initialize`, that is called now, once, with nothing but WASI, and nothing granted: each request then
    /// begins behind it.
    ///
    /// # Errors
    ///
    /// If it isn't one, what it imports has other types, its stores are larger than they may be, or its initialisation fails.
    pub fn new(module: &Module, options: AppOptions) -> Result<Self, Error> {
        let is_function = |name| module.get_export(name).is_some_and(|ty| ty.func().is_some());
        let is_memory = |name| module.get_export(name).is_some_and(|ty| ty.memory().is_some());
        if !is_function("_start") || !is_memory("memory") {
            return Err(Error::msg("an application exports its memory and a function _start"));
        }
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker, |session: &mut Session| &mut session.wasi)?;
        calls::link(&mut linker, module)?;
        linker.define_unknown_imports_as_traps(module)?;
        let AppOptions { config, environment, stores, dynamic, http, log } = options;
        let budget = module.engine().budget().sub_budget(stores);
        let services = Services::new(config, &budget, dynamic, http, log).map_err(Error::host)?;
        let services = Arc::new(services);
        let nobody = || Session::of_nobody(services.clone(), module.engine().budget());
        let prepared = Prepared::new(&linker, module, nobody)?;
        let known = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self { prepared, services, environment: known.into_iter().chain(environment).collect() })
    }

    fn call(&self, store: &mut Store<Session>) -> Result<(), Error> {
        let (instance, _) = self.prepared.instance(store)?;
        store.data_mut().memory = instance.get_memory(&*store, "memory");
        instance.get_typed_func::<(), ()>(&*store, "_start")?.call(store, ())
    }
}

impl Handler for App {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        let engine = self.prepared.module().engine();
        let budget = engine.budget().sub_budget(request.limits.memory);
        let fuel = request.limits.fuel.unwrap_or(u64::MAX);
        let output = || WritePipe::new(GuestLog::new(self.services.log.clone(), "app"));
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.environment).stdout(output()).stderr(output());
        wasi.envs(&[("FASTLY_TRACE_ID".to_owned(), format!("{:032x}", request.id))]);
        let full = |_| Failure::busy("out of memory", "there is no memory for the request");
        let session = Session::new(wasi.build(), self.services.clone(), budget.clone(), request, responder);
        let mut store = Store::with_budget(engine, &budget, session.map_err(full)?)?;
        let counts = store.set_fuel(fuel).is_ok();
        let handle = store.interrupt_handle();
        store.data_mut().interrupted_by(handle);
        let result = self.call(&mut store);
        if counts {
            let used = fuel - store.get_fuel().unwrap_or(0);
            store.data().request.used_fuel(used);
        }
        match result {
            Ok(()) => {}
            Err(error) => match error.downcast_ref::<I32Exit>() {
                Some(I32Exit(0)) => {}
                Some(I32Exit(code)) => {
                    return Err(Failure::guest("exit code", format_args!("it ended with exit code {code}")));
                }
                None => return Err(error.into()),
            },
        }
        store.into_data().finish()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("backends", &self.services.backends).finish_non_exhaustive()
    }
}
