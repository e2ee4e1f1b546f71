//! A site: programs, each at its route.

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
}

impl Site {
    /// A site without routes. What its programs write to standard error goes to `log`.
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { routes: Vec::new(), log, tells_health: false }
    }

    /// From now on the site itself answers `GET /healthz`, before any of its routes.
    pub fn tell_health(&mut self) {
        self.tells_health = true;
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

    fn position(&self, path: &str) -> Option<usize> {
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
        let (route, program) = self.find(path).ok_or_else(|| Failure::not_found(path))?;
        program.answer(route, request, responder, self.log.clone())
    }

    fn limits(&self, head: &Parts, default: &Limits) -> Limits {
        self.find(head.uri.path()).map_or_else(|| default.clone(), |(_, program)| program.limits(default))
    }

    fn route(&self, head: &Parts) -> Option<usize> {
        // What has no route is answered at once, in a lane of its own.
        let position = || self.position(head.uri.path()).unwrap_or(self.routes.len());
        (self.routes.len() > 1).then(position)
    }
}
