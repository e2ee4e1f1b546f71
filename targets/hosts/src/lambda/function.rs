//! A module that answers events.

use super::event::Event;
use super::failure::Failure;
use super::stream::Written;
use crate::deadline::Deadlines;
use dunlin::{Error, InstancePre, Linker, Module, Store};
use dunlin_wasi_lite::{ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe, add_to_linker};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Grants something to each instance.
pub type Grant = dyn Fn(&mut WasiCtxBuilder) -> Result<(), Error> + Send + Sync;

/// How a function answers events: everything has a default.
#[derive(Clone)]
#[non_exhaustive]
pub struct FunctionOptions {
    /// The fuel for each event, if the engine counts it: by default as much as there can be.
    pub fuel: Option<u64>,
    /// How long each event may take, besides Lambda's own deadline: by default as long as that.
    pub timeout: Option<Duration>,
    /// Bytes of a response that isn't streamed: by default 6 MiB, which is Lambda's limit.
    pub most_response: usize,
    /// Bytes of an event: by default 6 MiB, which is Lambda's limit.
    pub most_event: u64,
    /// Whether a response is sent while it is made. By default it is sent when the function has ended well.
    pub streams: bool,
    /// Variables for the function.
    pub env: Vec<(String, String)>,
    /// What else each instance is granted: by default nothing.
    pub grant: Option<Arc<Grant>>,
}

impl Default for FunctionOptions {
    fn default() -> Self {
        Self {
            fuel: None,
            timeout: None,
            most_response: 6 << 20,
            most_event: 6 << 20,
            streams: false,
            env: Vec::new(),
            grant: None,
        }
    }
}

impl fmt::Debug for FunctionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionOptions").field("env", &self.env).finish_non_exhaustive()
    }
}

/// The time before Lambda's deadline at which a function is stopped: to say so takes some, too.
const MARGIN: Duration = Duration::from_millis(50);

/// Variables of the runtime's own that a function sees too.
const NAMING: [&str; 7] = [
    "_HANDLER",
    "LAMBDA_TASK_ROOT",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_REGION",
    "TZ",
];

/// A WASI command, instantiated anew for each event.
///
/// It sees these variables: of the runtime's own `_HANDLER`, `LAMBDA_TASK_ROOT`, `AWS_LAMBDA_FUNCTION_NAME`,
/// `AWS_LAMBDA_FUNCTION_VERSION`, `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, `AWS_REGION` and `TZ`; those of the options; of each event
/// `_X_AMZN_TRACE_ID`, and `LAMBDA_RUNTIME_AWS_REQUEST_ID`, `LAMBDA_RUNTIME_DEADLINE_MS`,
/// `LAMBDA_RUNTIME_INVOKED_FUNCTION_ARN`, `LAMBDA_RUNTIME_CLIENT_CONTEXT` and `LAMBDA_RUNTIME_COGNITO_IDENTITY`, named as the
/// API's headers.
pub struct Function {
    pre: InstancePre<WasiCtx>,
    pub(super) options: FunctionOptions,
    deadlines: Deadlines,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("module", self.pre.module()).finish_non_exhaustive()
    }
}

/// Where a response goes.
pub(super) enum Output {
    Whole(WritePipe),
    Streamed(Written),
}

impl Function {
    /// Links a module, and makes the thread that waits for deadlines.
    ///
    /// # Errors
    ///
    /// If the module is no command, or imports what WASI doesn't have.
    pub fn new(module: &Module, options: FunctionOptions) -> Result<Self, Error> {
        let start = module.get_export("_start").and_then(|ty| ty.func().cloned());
        if start.is_none_or(|ty| !ty.params().is_empty() || !ty.results().is_empty()) {
            return Err(Error::msg("the module has no _start, so it is no program"));
        }
        let mut linker = Linker::new(module.engine());
        add_to_linker(&mut linker, |wasi| wasi)?;
        Ok(Self { pre: linker.instantiate_pre(module)?, options, deadlines: Deadlines::start()? })
    }

    pub(super) fn module(&self) -> &Module {
        self.pre.module()
    }

    /// Answers an event. What the guest printed is in the output, also after a failure.
    pub(super) fn answer(&self, event: &mut Event, output: Output) -> Result<(), Failure> {
        let body = std::mem::replace(&mut event.body, Err(Failure::new("Runtime.EventError", "it is gone")))?;
        // Until the guest has ended.
        let _paid = body.paid;
        let context = self.context(event, body.bytes, output).map_err(|error| Failure::init(&error))?;
        let ended = self.run(event, context);
        match ended.as_ref().err().and_then(|error| Some((Failure::of(error)?, error))) {
            None => Ok(()),
            Some((failure, error)) => {
                if let Some(backtrace) = error.backtrace() {
                    eprintln!("{failure}\n{backtrace}");
                }
                Err(failure)
            }
        }
    }

    fn context(&self, event: &Event, body: Vec<u8>, output: Output) -> Result<WasiCtx, Error> {
        let mut builder = WasiCtxBuilder::new();
        builder.inherit_stderr().stdin(ReadPipe::from(body));
        match output {
            Output::Whole(pipe) => builder.stdout(pipe),
            Output::Streamed(written) => builder.stdout(WritePipe::new(written)),
        };
        builder.arg(std::env::var("_HANDLER").unwrap_or_else(|_| "function".into()));
        for name in NAMING {
            if let Ok(value) = std::env::var(name) {
                builder.env(name, value);
            }
        }
        builder.envs(&self.options.env).envs(&event.variables);
        if let Some(trace) = &event.trace {
            builder.env("_X_AMZN_TRACE_ID", trace);
        }
        if let Some(grant) = &self.options.grant {
            grant(&mut builder)?;
        }
        Ok(builder.build())
    }

    fn run(&self, event: &Event, context: WasiCtx) -> Result<(), Error> {
        let mut store = Store::try_new(self.module().engine(), context)?;
        // Where no fuel is counted, there is none to set.
        let _ = store.set_fuel(self.options.fuel.unwrap_or(u64::MAX));
        let ours = self.options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let theirs = event.deadline.map(|deadline| deadline.checked_sub(MARGIN).unwrap_or(deadline));
        let deadline = ours.into_iter().chain(theirs).min();
        let _awaited = deadline.map(|at| self.deadlines.interrupt_at(at, store.interrupt_handle()));
        let instance = self.pre.instantiate(&mut store)?;
        instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
    }
}
