//! A site: programs, each at its route.

use super::drain::Drain;
use super::program::Program;
use super::route::Route;
use crate::server::{Failure, Handler, Limits, Parts, Request, Responder, StatusCode};
use crate::services::log::Log;
use dunlin::Error;
use std::sync::Arc;

/// Programs at routes. The first route that fits a path is taken.
#[derive(Debug)]
pub struct Site {
    routes: Vec<(Route, Program)>,
    log: Arc<dyn Log>,
    /// Whether `/healthz` is answered by the site itself, as WAGI has it.
    tells_health: bool,
    /// Where requests are kept that are in flight when the server ends.
    drain: Option<Drain>,
}

impl Site {
    /// A site without routes. What its programs write to standard error goes to `log`.
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { routes: Vec::new(), log, tells_health: false, drain: None }
    }

    /// From now on the site itself answers `GET /healthz`, before any of its routes.
    pub fn tell_health(&mut self) {
        self.tells_health = true;
    }

    /// From now on requests are kept there when it begins to drain, and paths that begin with [`Drain::PATH`] are the site's own,
    /// before any of its routes. The engine of its programs needs [`Config::snapshots`](dunlin::Config::snapshots), and
    /// [`Config::suspend_compiled`](dunlin::Config::suspend_compiled) if it compiles.
    pub fn drain_to(&mut self, drain: &Drain) {
        self.drain = Some(drain.clone());
    }

    pub(super) fn drain(&self) -> Option<&Drain> {
        self.drain.as_ref()
    }

    /// The program at a route, by its text.
    pub(super) fn program(&self, text: &str) -> Option<&Program> {
        let (_, program) = self.routes.iter().find(|(route, _)| route.to_string() == text)?;
        Some(program)
    }

    /// Adds a program, after those that there are.
    pub fn add(&mut self, route: Route, program: Program) {
        self.routes.push((route, program));
    }

    /// Adds a program, and before it the routes below its own that it names itself.
    ///
    /// # Errors
    ///
    /// If what it names isn't there.
    pub fn add_with_its_routes(&mut self, route: Route, program: Program) -> Result<(), Error> {
        // The last that it names is looked at first.
        for (below, entrypoint) in program.named_routes()?.into_iter().rev() {
            self.add(route.join(&below), program.at_entrypoint(&entrypoint)?);
        }
        self.add(route, program);
        Ok(())
    }

    /// The drain, if this is a path of its requests.
    fn drain_at(&self, path: &str) -> Option<&Drain> {
        self.drain.as_ref().filter(|_| path.starts_with(Drain::PATH))
    }

    /// The number of its route.
    fn position(&self, path: &str) -> Option<usize> {
        if self.drain_at(path).is_some() {
            return None;
        }
        self.routes.iter().position(|(route, _)| route.rest(path).is_some())
    }

    fn find(&self, path: &str) -> Option<&(Route, Program)> {
        self.position(path).map(|at| &self.routes[at])
    }
}

impl Handler for Site {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        let path = request.head.uri.path();
        if self.tells_health && path == "/healthz" {
            responder.send(StatusCode::OK, "text/plain", "OK");
            return Ok(());
        }
        if let Some(drain) = self.drain_at(path) {
            return drain.answer(&request, responder);
        }
        let (route, program) = self.find(path).ok_or_else(|| Failure::not_found(path))?;
        program.answer(route, request, responder, self.log.clone(), self.drain.as_ref())
    }

    fn limits(&self, head: &Parts, default: &Limits) -> Limits {
        self.find(head.uri.path()).map_or_else(|| default.clone(), |(_, program)| program.limits(default))
    }

    fn route(&self, head: &Parts) -> Option<usize> {
        // What has no route is answered at once, in a lane of its own.
        let position = || self.position(head.uri.path()).unwrap_or(self.routes.len());
        (self.routes.len() > 1 || self.drain.is_some()).then(position)
    }
}
