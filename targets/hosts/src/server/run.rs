//! The server: it accepts connections until it is told to stop.

use super::answer::AnswerBody;
use super::connection::{serve, unless};
use super::handler::Handler;
use super::limits::ServerOptions;
use super::metrics::Metrics;
use super::pool::Pool;
use super::request::Desk;
use crate::services::log::Level;
use hyper::{Response, StatusCode};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// A server that is bound to its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    metrics: Option<TcpListener>,
    local: SocketAddr,
    options: ServerOptions,
    remote: Remote,
}

/// Controls a server from any thread.
#[derive(Clone)]
pub struct Remote {
    handler: Arc<RwLock<Option<Arc<dyn Handler>>>>,
    metrics: Arc<Metrics>,
    stop: Arc<watch::Sender<bool>>,
}

impl Remote {
    fn new() -> Self {
        Self { handler: Arc::default(), metrics: Arc::default(), stop: Arc::new(watch::channel(false).0) }
    }

    /// Lets the server answer what is in flight, and end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// From now on, new requests go to this handler. Those in flight are answered by the one that they went to.
    pub fn replace(&self, handler: Arc<dyn Handler>) {
        if self.set(handler).is_some() {
            self.metrics.reloaded();
        }
    }

    fn set(&self, handler: Arc<dyn Handler>) -> Option<Arc<dyn Handler>> {
        self.handler.write().unwrap_or_else(PoisonError::into_inner).replace(handler)
    }

    fn handler(&self) -> Option<Arc<dyn Handler>> {
        self.handler.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the server is told to stop.
    fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // The sender lives as long as this.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("stops", &*self.stop.borrow()).finish()
    }
}

fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Server {
    /// Binds a server to an address; to a port of the system's choice if that is 0.
    ///
    /// # Errors
    ///
    /// If the address can't be had.
    pub fn bind(address: impl ToSocketAddrs, options: ServerOptions) -> io::Result<Self> {
        let listener = bind(address)?;
        let local = listener.local_addr()?;
        Ok(Self { listener, metrics: None, local, options, remote: Remote::new() })
    }

    /// Has metrics served at `/metrics` of another address, for Prometheus, and gives that address.
    ///
    /// # Errors
    ///
    /// If the address can't be had.
    pub fn bind_metrics(&mut self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        self.metrics.insert(bind(address)?).local_addr()
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// What controls it.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Answers requests until it is told to stop.
    ///
    /// # Errors
    ///
    /// If the system lets no connections be had.
    pub fn run(self, handler: Arc<dyn Handler>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        self.remote.set(handler);
        let options = Arc::new(self.options);
        let desk = Desk {
            pool: Pool::new(options.processors, options.guests, options.queue),
            local: self.local,
            options: options.clone(),
            metrics: self.remote.metrics.clone(),
            requests: AtomicU64::new(0),
        };
        let door = Door { desk: Arc::new(desk), options, remote: self.remote };
        runtime.block_on(async move {
            if let Some(metrics) = self.metrics {
                let metrics = tokio::net::TcpListener::from_std(metrics)?;
                tokio::spawn(door.clone().accept(metrics, 16, Door::show_metrics));
            }
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            let connections = door.options.connections;
            door.accept(listener, connections, Door::serve).await;
            Ok(())
        })
    }
}

/// Where connections arrive.
#[derive(Clone)]
struct Door {
    desk: Arc<Desk>,
    options: Arc<ServerOptions>,
    remote: Remote,
}

type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Door {
    /// Accepts connections, so many at a time, until the server is told to stop; then waits for those that there are.
    async fn accept(
        self,
        listener: tokio::net::TcpListener,
        most: usize,
        serve: fn(Door, TcpStream, SocketAddr) -> Connection,
    ) {
        let mut stopped = pin!(self.remote.stopped());
        let most = most.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let room = Arc::new(Semaphore::new(most));
        loop {
            let next = async {
                let permit = room.clone().acquire_owned().await;
                (listener.accept().await, permit)
            };
            let Some((accepted, permit)) = unless(stopped.as_mut(), next).await else { break };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = serve(self.clone(), stream, peer);
                    tokio::spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                // It has gone again, or there are no descriptors left: others may end meanwhile.
                Err(error) => {
                    self.options.log.write(Level::Warn, "server", &format!("no connection: {error}"));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        let _ = timeout(self.options.grace, room.acquire_many(most as u32)).await;
    }

    fn serve(self, stream: TcpStream, peer: SocketAddr) -> Connection {
        Box::pin(async move {
            let connections = &self.desk.metrics.connections;
            connections.fetch_add(1, Ordering::Relaxed);
            let stopped = self.remote.stopped();
            let answer = |request| {
                let (desk, handler) = (self.desk.clone(), self.remote.handler());
                async move {
                    match handler {
                        Some(handler) => desk.answer(handler, request, peer).await,
                        None => plain(StatusCode::SERVICE_UNAVAILABLE, String::new()),
                    }
                }
            };
            let head = self.options.head.max(8 << 10);
            serve(stream, head, self.options.patience, stopped, answer).await;
            connections.fetch_sub(1, Ordering::Relaxed);
        })
    }

    fn show_metrics(self, stream: TcpStream, _: SocketAddr) -> Connection {
        Box::pin(async move {
            let answer = |request: hyper::Request<_>| {
                let is_known = request.uri().path() == "/metrics";
                let desk = self.desk.clone();
                async move {
                    match is_known {
                        true => {
                            let text = desk.metrics.text(&desk.pool, &desk.options.budget);
                            plain(StatusCode::OK, text)
                        }
                        false => plain(StatusCode::NOT_FOUND, String::new()),
                    }
                }
            };
            serve(stream, 8 << 10, self.options.patience, self.remote.stopped(), answer).await;
        })
    }
}

fn plain(status: StatusCode, text: String) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::text(text));
    *response.status_mut() = status;
    response
}
