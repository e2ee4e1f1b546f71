//! One connection, from its beginning to its end.

use super::answer::AnswerBody;
use super::stream::Patient;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a client that was refused may go on sending before its connection is gone. If it were gone at once, the
/// client's system would drop the refusal unread.
const LINGER: Duration = Duration::from_secs(1);

/// What a client is told that began to ask and didn't go on.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves a connection until it ends. When `stopped` is over, it ends with the answer to the request at hand.
pub(super) async fn serve<F>(
    stream: TcpStream,
    head: usize,
    patience: Duration,
    stopped: impl Future<Output = ()>,
    answer: impl Fn(Request<Incoming>) -> F,
) where
    F: Future<Output = Response<AnswerBody>> + Send + 'static,
{
    // Where it can't be had, answers take a little longer.
    let _ = stream.set_nodelay(true);
    let heard = Arc::new(AtomicBool::new(false));
    let stream = Patient::new(stream, patience, heard.clone());
    let service = service_fn(|request| {
        let (answer, heard) = (answer(request), heard.clone());
        Box::pin(async move {
            let response = answer.await;
            heard.store(false, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }) as Pin<Box<dyn Future<Output = _> + Send>>
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(head)
        .serve_connection(TokioIo::new(stream), service);
    let ended = match unless(pin!(stopped), Pin::new(&mut connection)).await {
        Some(ended) => ended,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            Pin::new(&mut connection).await
        }
    };
    // What goes wrong with a connection is its client's business.
    if let Err(error) = ended {
        let mut stream = connection.into_parts().io.into_inner();
        if error.is_timeout() && heard.load(Ordering::Relaxed) {
            let _ = stream.write_all(TOO_SLOW).await;
        }
        let _ = timeout(LINGER, linger(&mut stream)).await;
    }
}

/// Lets the client have what was sent.
async fn linger(stream: &mut Patient) {
    /// How much of what it still sends is taken.
    const MOST: usize = 1 << 20;
    let _ = stream.shutdown().await;
    let mut taken = 0;
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        taken += count;
        if taken > MOST {
            break;
        }
    }
}

/// What comes of `work`, unless `stopped` is over first.
pub(super) async fn unless<T>(
    mut stopped: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match stopped.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(cx).map(Some),
    })
    .await
}
