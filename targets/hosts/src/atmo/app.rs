//! Applications: what answers requests by carrying out steps.

use super::bundle::{Bundle, BundleError};
use super::cache::Cache;
use super::capabilities::Capabilities;
use super::crew::Crew;
use super::database::Database;
use super::plan::{Handler as Planned, Plan, Schedule};
use super::request::Request;
use super::runnable::Runnable;
use super::schedules::{Running, Schedules};
use super::sequence::{Done, Sequence, Stopped};
use super::task::Task;
use crate::server::header::{self, HeaderName, HeaderValue};
use crate::server::{
    Failure, Handler, HeaderMap, Limits, Parts, Request as HttpRequest, Responder, StatusCode,
};
use crate::services::http::OutboundHttp;
use crate::services::kv::MemoryStore;
use crate::services::log::{Level, Log, NoLog};
use dunlin::{Charge, Error, Module};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an application is configured with.
#[derive(Clone)]
pub struct AppOptions {
    /// Sends the requests of runnables, as far as it lets them go anywhere; without it they send none.
    pub http: Option<Arc<dyn OutboundHttp>>,
    /// How much their cache may hold, in bytes; without room, there is none.
    pub cache: u64,
    /// What answers their queries.
    pub database: Option<Arc<dyn Database>>,
    /// The variables that a Directive's authentication may name.
    pub environment: Vec<(String, String)>,
    /// What each job of a schedule may take. Requests have the server's limits.
    pub jobs: Limits,
    /// Where messages go.
    pub log: Arc<dyn Log>,
}

impl Default for AppOptions {
    /// A cache of 16 MiB, no requests, no database, no log.
    fn default() -> Self {
        Self {
            http: None,
            cache: 16 << 20,
            database: None,
            environment: Vec::new(),
            jobs: Limits::default(),
            log: Arc::new(NoLog),
        }
    }
}

impl fmt::Debug for AppOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http: _, cache, database, environment: _, jobs, log: _ } = self;
        let mut f = f.debug_struct("AppOptions");
        f.field("cache", cache).field("database", database).field("jobs", jobs).finish_non_exhaustive()
    }
}

/// An application of Atmo's. Its schedules run as long as it lives.
pub struct App {
    core: Arc<Core>,
    _schedules: Schedules,
}

/// What requests and schedules share.
struct Core {
    plan: Plan,
    runnables: Vec<Runnable>,
    crew: Crew,
    log: Arc<dyn Log>,
    /// For files.
    _charge: Option<Charge>,
}

/// What a client is told of a function's error.
#[derive(serde::Serialize)]
struct Failed<'a> {
    status: u16,
    message: &'a str,
}

impl App {
    /// The application of a bundle.
    ///
    /// # Errors
    ///
    /// If a module isn't a runnable, what authorises its requests isn't given, or the system has no thread for a schedule.
    pub fn new(bundle: Bundle, options: &AppOptions) -> Result<Self, BundleError> {
        let Bundle { plan, modules, files, charge } = bundle;
        let Some(engine) = modules.first().map(Module::engine) else {
            return Err(BundleError::invalid("it has no modules"));
        };
        let mut capabilities = capabilities(options, engine.budget());
        capabilities.files = Some(Arc::new(files));
        plan.settings.apply(&mut capabilities, &options.environment).map_err(BundleError::Directive)?;
        let capabilities = Arc::new(capabilities);
        let runnables = modules.iter().zip(plan.functions.names()).map(|(module, name)| {
            Runnable::new(module, &name, &capabilities).map_err(|error| BundleError::Module(name, error))
        });
        let runnables = runnables.collect::<Result<_, _>>()?;
        Self::start(
            Core { plan, runnables, crew: Crew::new(), log: options.log.clone(), _charge: Some(charge) },
            options,
        )
        .map_err(BundleError::Read)
    }

    /// One runnable that answers every request: the body is its input, and the result the answer.
    ///
    /// # Errors
    ///
    /// If it isn't a runnable.
    pub fn of_runnable(module: &Module, name: &str, options: &AppOptions) -> Result<Self, Error> {
        let capabilities = Arc::new(capabilities(options, module.engine().budget()));
        let runnables = vec![Runnable::new(module, name, &capabilities)?];
        let (plan, log) = (Plan::of_one(name), options.log.clone());
        Self::start(Core { plan, runnables, crew: Crew::new(), log, _charge: None }, options)
            .map_err(Error::host)
    }

    fn start(core: Core, options: &AppOptions) -> std::io::Result<Self> {
        let core = Arc::new(core);
        let jobs = core.plan.schedules.iter().enumerate().map(|(number, schedule)| {
            let (core, limits) = (Arc::downgrade(&core), options.jobs.clone());
            let job = move |running: &Arc<Running>| {
                if let Some(core) = core.upgrade() {
                    core.job(&core.plan.schedules[number], &limits, running);
                }
            };
            (Duration::from_secs(schedule.every), options.jobs.time, job)
        });
        let schedules = Schedules::start(jobs)?;
        Ok(Self { core, _schedules: schedules })
    }
}

fn capabilities(options: &AppOptions, budget: &dunlin::Budget) -> Capabilities {
    let store = || Arc::new(MemoryStore::new(&budget.sub_budget(options.cache)));
    Capabilities {
        http: options.http.clone(),
        graphql: options.http.clone(),
        cache: (options.cache > 0).then(|| Arc::new(Cache::new(store()))),
        database: options.database.clone(),
        log: options.log.clone(),
        ..Capabilities::default()
    }
}

impl Core {
    /// The handler of a request by its number, with the parameters of the path.
    fn handler(&self, head: &Parts) -> Result<(usize, BTreeMap<String, String>), Failure> {
        let path = head.uri.path();
        let mut others = Vec::new();
        for (number, handler) in self.plan.handlers.iter().enumerate() {
            let Some(params) = handler.route.params(path) else { continue };
            if handler.method == head.method.as_str() {
                return Ok((number, params));
            }
            others.push(&*handler.method);
        }
        match &others[..] {
            [] => Err(Failure::not_found(path)),
            others => {
                let what = format!("{} isn't answered, but {}", head.method, others.join(", "));
                Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "bad method", what))
            }
        }
    }

    fn sequence<'a>(&'a self, task: &'a Task) -> Sequence<'a> {
        Sequence { runnables: &self.runnables, crew: &self.crew, task }
    }

    /// Carries out what is done for a request.
    fn answer(&self, request: &HttpRequest, task: &Task) -> Result<Answer, Failure> {
        let sequence = self.sequence(task);
        if let Some(step) = &self.plan.everything {
            let done = sequence.run(std::slice::from_ref(step), told(request, BTreeMap::new()));
            return self.answered(done, "", request.head.uri.path());
        }
        let (number, params) = self.handler(&request.head)?;
        let Planned { steps, response, resource, .. } = &self.plan.handlers[number];
        self.answered(sequence.run(steps, told(request, params)), response, resource)
    }

    fn answered(&self, done: Result<Done, Stopped>, key: &str, of: &str) -> Result<Answer, Failure> {
        let stopped = match done {
            Ok(mut done) => {
                let body = done.state.remove(key).unwrap_or_default();
                return Ok(Answer {
                    status: StatusCode::OK,
                    headers: fields(&done.headers)?,
                    body,
                    _done: Some(done),
                });
            }
            Err(stopped) => stopped,
        };
        match stopped {
            Stopped::Failed(name, error) => {
                let failure = Failure::from(error);
                Err(Failure { message: format!("{name}: {failure}"), ..failure })
            }
            Stopped::List(what) => Err(Failure::guest("bad list", what)),
            Stopped::Returned(name, returned) => {
                self.log.write(
                    Level::Warn,
                    of,
                    &format!("{name}: {} (code {})", returned.message, returned.code),
                );
                let status = u16::try_from(returned.code).ok().filter(|code| (200..600).contains(code));
                let status = status.and_then(|code| StatusCode::from_u16(code).ok());
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let failed = Failed { status: status.as_u16(), message: &returned.message };
                let body = serde_json::to_string(&failed).expect("a number and a text");
                let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Ok(Answer { status, headers: [json].into_iter().collect(), body: body.into(), _done: None })
            }
        }
    }

    /// Carries out what is done again and again, once.
    fn job(&self, schedule: &Schedule, limits: &Limits, running: &Arc<Running>) {
        let Some(engine) = self.runnables.first().map(|runnable| runnable.module().engine()) else { return };
        let watching = running.clone();
        let task = Task::new(&engine.budget().sub_budget(limits.memory))
            .fuel(limits.fuel.unwrap_or(u64::MAX))
            .deadline(Instant::now() + limits.time)
            .interrupted_by(move |store| watching.interruptible(store));
        let state = schedule.state.iter().map(|(key, value)| (key.clone(), value.clone().into()));
        let request = Request {
            method: "SCHED".into(),
            url: schedule.name.clone(),
            id: schedule.name.clone(),
            state: state.collect(),
            ..Request::default()
        };
        let what = match self.sequence(&task).run(&schedule.steps, request) {
            Ok(_) => return,
            Err(Stopped::Returned(name, returned)) => {
                format!("{name}: {} (code {})", returned.message, returned.code)
            }
            Err(Stopped::Failed(name, error)) => format!("{name}: {}", Failure::from(error)),
            Err(Stopped::List(what)) => what,
        };
        self.log.write(Level::Error, &format!("schedule {}", schedule.name), &what);
    }
}

/// An answer; its body is charged as long as the rest is here.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: crate::server::Bytes,
    _done: Option<Done>,
}

/// A request as runnables see it.
fn told(request: &HttpRequest, params: BTreeMap<String, String>) -> Request {
    let head = &request.head;
    let mut headers = BTreeMap::new();
    for (name, value) in &head.headers {
        // The first of a name.
        let value = || String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str().to_owned()).or_insert_with(value);
    }
    Request {
        method: head.method.to_string(),
        url: head.uri.path_and_query().map_or("/", |url| url.as_str()).to_owned(),
        id: request.id.to_string(),
        body: request.body.clone(),
        headers,
        params,
        state: BTreeMap::new(),
    }
}

/// Headers of a response, as runnables have set them.
fn fields(headers: &BTreeMap<String, String>) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    map.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    for (name, value) in headers {
        let bad = || Failure::guest("bad answer", format_args!("{} is no header", name.escape_debug()));
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        map.insert(field, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    // It is known better from the body.
    map.remove(header::CONTENT_LENGTH);
    Ok(map)
}

impl Handler for App {
    fn handle(&self, request: HttpRequest, responder: Responder) -> Result<(), Failure> {
        let core = &self.core;
        let Some(engine) = core.runnables.first().map(|runnable| runnable.module().engine()) else {
            return Err(Failure::not_found(request.head.uri.path()));
        };
        let fuel = request.limits.fuel.unwrap_or(u64::MAX);
        let budget = engine.budget().sub_budget(request.limits.memory);
        let request = Arc::new(request);
        let watching = request.clone();
        let task = Task::new(&budget)
            .fuel(fuel)
            .deadline(Instant::now() + request.limits.time)
            .interrupted_by(move |store| watching.interrupt(store));
        let answer = core.answer(&request, &task);
        request.used_fuel(fuel - task.fuel_left().unwrap_or(0));
        let Answer { status, headers, body, _done } = answer?;
        // Whoever has gone away doesn't miss it.
        let _ = responder.start(status, headers)?.write_all(&body);
        Ok(())
    }

    fn route(&self, head: &Parts) -> Option<usize> {
        self.core.handler(head).ok().map(|(number, _)| number)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("runnables", &self.core.runnables).finish_non_exhaustive()
    }
}
