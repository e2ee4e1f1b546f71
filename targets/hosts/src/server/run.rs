//! The server: connections, and each request from its arrival to its answer.

use super::answer::{AnswerBody, refusal};
use super::exchange::Exchange;
use super::failure::Failure;
use super::handler::{Handler, Request, Responder};
use super::limits::ServerOptions;
use super::pool::Pool;
use super::receive;
use crate::services::log::Level;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// How long a guest takes before others don't wait for it any more, and what it has written is sent.
const QUICK: Duration = Duration::from_millis(5);

/// A server that is bound to its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local: SocketAddr,
    options: ServerOptions,
    remote: Remote,
}

/// Controls a server from any thread.
#[derive(Clone)]
pub struct Remote {
    handler: Arc<RwLock<Option<Arc<dyn Handler>>>>,
    stop: Arc<watch::Sender<bool>>,
}

impl Remote {
    /// Lets the server answer what is in flight, and end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// From now on, new requests go to this handler. Those in flight are answered by the one that they went to.
    pub fn replace(&self, handler: Arc<dyn Handler>) {
        *self.handler.write().unwrap_or_else(PoisonError::into_inner) = Some(handler);
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("stops", &*self.stop.borrow()).finish()
    }
}

impl Server {
    /// Binds a server to an address; to a port of the system's choice if that is 0.
    ///
    /// # Errors
    ///
    /// If the address can't be had.
    pub fn bind(address: impl ToSocketAddrs, options: ServerOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?;
        let remote = Remote { handler: Arc::default(), stop: Arc::new(watch::channel(false).0) };
        Ok(Self { listener, local, options, remote })
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
        self.remote.replace(handler);
        let pool = Pool::new(self.options.processors, self.options.guests, self.options.queue);
        let running = Running {
            pool,
            local: self.local,
            options: self.options,
            remote: self.remote,
            requests: AtomicU64::new(0),
        };
        runtime.block_on(async move { Arc::new(running).accept(self.listener).await })
    }
}

/// A server at work.
struct Running {
    pool: Pool,
    local: SocketAddr,
    options: ServerOptions,
    remote: Remote,
    requests: AtomicU64,
}

impl Running {
    async fn accept(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut stopped = self.remote.stop.subscribe();
        let mut stopped = pin!(async move { stopped.wait_for(|stop| *stop).await.map(|_| ()) });
        let room = Arc::new(Semaphore::new(self.options.connections.min(Semaphore::MAX_PERMITS)));
        loop {
            let next = async {
                let permit = room.clone().acquire_owned().await;
                (listener.accept().await, permit)
            };
            let Some((accepted, permit)) = unless(&mut stopped, next).await else { break };
            match accepted {
                Ok((stream, peer)) => {
                    let running = self.clone();
                    tokio::spawn(async move {
                        running.serve(stream, peer).await;
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
        let all = self.options.connections.min(Semaphore::MAX_PERMITS) as u32;
        let _ = timeout(self.options.grace, room.acquire_many(all)).await;
        Ok(())
    }

    /// Serves one connection until it ends.
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Where it can't be had, answers take a little longer.
        let _ = stream.set_nodelay(true);
        let running = self.clone();
        let service = service_fn(move |request: HttpRequest<Incoming>| {
            let running = running.clone();
            async move { Ok::<_, Infallible>(running.answer(request, peer).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.patience)
            .max_buf_size(self.options.head.max(8 << 10))
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut stopped = self.remote.stop.subscribe();
        let stopped = pin!(async move { stopped.wait_for(|stop| *stop).await.map(|_| ()) });
        // What goes wrong with a connection is its client's business.
        if unless(stopped, connection.as_mut()).await.is_none() {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: HttpRequest<Incoming>,
        peer: SocketAddr,
    ) -> Response<AnswerBody> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let path = request.uri().path().to_owned();
        match self.attempt(id, request, peer).await {
            Ok(response) => response,
            Err(failure) => {
                let line = format!("request {id}: {}: {failure}", failure.status);
                self.options.log.write(Level::Error, &path, &line);
                refusal(failure.status)
            }
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        id: u64,
        request: HttpRequest<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<AnswerBody>, Failure> {
        let handler = self.remote.handler.read().unwrap_or_else(PoisonError::into_inner).clone();
        let handler = handler.ok_or_else(|| Failure::busy("no handler", "nothing answers yet"))?;
        let (head, incoming) = request.into_parts();
        let limits = handler.limits(&head, &self.options.limits);
        let (body, charge) = receive::body(&head, incoming, &limits, &self.options).await?;
        let exchange = Exchange::new(&head.method);
        let responder = Responder::new(exchange.clone());
        let deadline = Instant::now() + limits.time;
        let request = Request {
            id,
            head,
            body,
            peer,
            local: self.local,
            limits,
            exchange: exchange.clone(),
            _charge: charge,
        };
        self.guest(handler, request, responder, exchange, deadline).await
    }

    async fn guest(
        &self,
        handler: Arc<dyn Handler>,
        request: Request,
        responder: Responder,
        exchange: Arc<Exchange>,
        deadline: Instant,
    ) -> Result<Response<AnswerBody>, Failure> {
        // Whatever ends this, the guest has nobody to work for then.
        let body = AnswerBody::Guest(exchange.clone());
        let shared = exchange.clone();
        let work = move || {
            if shared.stopped().is_none() {
                let done = Ending(shared);
                let result = handler.handle(request, responder);
                done.0.end(result);
            }
        };
        let full = || Failure::busy("queue full", "too many requests wait for a guest");
        let ticket = self.pool.submit(work).ok_or_else(full)?;
        let head = match timeout(QUICK, exchange.head()).await {
            Ok(head) => head,
            Err(_) => {
                exchange.hurry();
                ticket.make_way();
                match timeout_at(deadline, exchange.head()).await {
                    Ok(head) => head,
                    Err(_) => {
                        let why = if ticket.make_way() { Failure::out_of_time() } else { full() };
                        exchange.stop(why.clone());
                        Err(why)
                    }
                }
            }
        }?;
        if body.is_growing() {
            tokio::spawn(async move {
                if timeout_at(deadline, exchange.ended()).await.is_err() {
                    exchange.stop(Failure::out_of_time());
                }
            });
        }
        Ok(head.map(|()| body))
    }
}

/// Ends an exchange whose handler panicked.
struct Ending(Arc<Exchange>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(Err(Failure::guest("panic", "the handler panicked")));
    }
}

/// What comes of `work`, unless `stopped` is over first.
async fn unless<T>(
    mut stopped: impl Future<Output = Result<(), watch::error::RecvError>> + Unpin,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(Ok(())) = std::pin::Pin::new(&mut stopped).poll(cx) {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}
