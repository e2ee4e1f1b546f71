//! A program that answers a request.

use super::Program;
use super::execute::{Ended, Movable, outcome};
use crate::server::{Failure, Request, Responder};
use crate::services::log::{GuestLog, Level, Log};
use crate::wagi::drain::{Drain, tell_kept};
use crate::wagi::environment::{arguments, variables};
use crate::wagi::input::Input;
use crate::wagi::output::Output;
use crate::wagi::route::Route;
use dunlin::Store;
use dunlin_wasi_lite::{ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe};
use std::sync::Arc;
use std::time::Instant;

impl Program {
    /// Answers a request that came by this route, on the thread that calls it. With a `drain`, it is kept there if that begins before
    /// the answer does; then the client is told so.
    ///
    /// # Errors
    ///
    /// If the program fails, or what it prints is no answer.
    pub fn answer(
        &self,
        route: &Route,
        request: Request,
        responder: Responder,
        log: Arc<dyn Log>,
        drain: Option<&Drain>,
    ) -> Result<(), Failure> {
        let until = Instant::now() + request.limits.time;
        let (output, input) = (Output::new(responder), Input::new(request.body.clone()));
        let route_name = route.to_string();
        let mut wasi = WasiCtxBuilder::new();
        wasi.envs(&self.options.environment)
            .envs(&variables(&request, route))
            .args(&arguments(&request, self.options.argv.as_deref()))
            .stdin(ReadPipe::new(input.clone()))
            .stdout(WritePipe::new(output.clone()))
            .stderr(WritePipe::new(GuestLog::new(log.clone(), &*route_name)));
        self.preopen(&mut wasi).map_err(|error| Failure::guest("no folder", error))?;
        let printed = || output.printed();
        let movable = drain.map(|drain| Movable {
            drain,
            id: None,
            route: &route_name,
            input,
            printed: &printed,
            until,
            log: &*log,
        });
        let result = self.call(wasi.build(), &request, movable.as_ref());
        if let Ok(Ended::Kept(id)) = result {
            log.write(Level::Info, &route_name, &format!("request {} is kept as {id}", request.id));
            return output.divert().map_or(Ok(()), |responder| tell_kept(id, responder));
        }
        // A program that can't print its answer may give up for that.
        output.failed().map_or(result, Err)?;
        output.end().map(drop)
    }

    fn call(
        &self,
        wasi: WasiCtx,
        request: &Request,
        movable: Option<&Movable<'_>>,
    ) -> Result<Ended, Failure> {
        let engine = self.module().engine();
        let budget = engine.budget().sub_budget(request.limits.memory);
        let mut store = Store::with_budget(engine, &budget, wasi)?;
        let fuel = request.limits.fuel.unwrap_or(u64::MAX);
        let counts = store.set_fuel(fuel).is_ok();
        let _stop = request.interrupt(store.interrupt_handle());
        let result = self.execute(&mut store, movable);
        if counts {
            request.used_fuel(fuel - store.get_fuel().unwrap_or(0));
        }
        outcome(result)
    }
}
