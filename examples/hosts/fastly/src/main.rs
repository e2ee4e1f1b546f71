//! An application for Fastly Compute, with Fastly's own library: routes, a backend, stores, a streamed answer.

use fastly::http::{Method, StatusCode};
use fastly::{Body, ConfigStore, Error, KVStore, Request, Response, SecretStore};
use std::io::Write;

fn main() -> Result<(), Error> {
    let request = Request::from_client();
    match (request.get_method().clone(), request.get_path()) {
        (Method::GET, "/") => {
            let mode = ConfigStore::open("settings").get("mode").unwrap_or_default();
            Response::from_body(format!("an application in mode {mode}\n")).send_to_client();
        }
        (Method::POST, "/echo") => Response::from_body(request.into_body()).send_to_client(),
        (Method::GET, "/origin") => {
            let mut answer = request.with_path("/").send("origin")?;
            answer.set_header("x-passed", "app");
            answer.send_to_client();
        }
        (Method::GET, "/both") => {
            let pending = ["/a", "/b"].map(|path| Request::get(format!("http://origin{path}")).send_async("origin"));
            let mut body = Body::new();
            for one in pending {
                body.append(one?.wait()?.into_body());
            }
            Response::from_body(body).send_to_client();
        }
        (Method::GET, "/visits") => {
            let mut store = KVStore::open("visits")?.expect("a store");
            let count = match store.lookup("count") {
                Ok(mut found) => found.take_body().into_string().parse().unwrap_or(0) + 1,
                Err(_) => 1_u64,
            };
            store.insert("count", count.to_string())?;
            Response::from_body(format!("{count}\n")).send_to_client();
        }
        (Method::GET, "/secret") => {
            let secret = SecretStore::open("keys")?.get("token");
            let known = secret.is_some_and(|secret| secret.plaintext() == "letmein");
            Response::from_body(format!("{known}\n")).send_to_client();
        }
        (Method::GET, "/stream") => {
            let mut body = Response::new().stream_to_client();
            for line in 0..3 {
                writeln!(body, "line {line}")?;
            }
            body.finish()?;
        }
        (Method::GET, "/upload") => {
            let (mut body, pending) = Request::post("http://origin/upload").send_async_streaming("origin")?;
            for _ in 0..100 {
                body.write_all(&[b'x'; 1000])?;
            }
            body.finish()?;
            pending.wait()?.send_to_client();
        }
        (Method::GET, "/panic") => panic!("as asked"),
        (_, path) => {
            fastly::log::set_panic_endpoint("errors")?;
            println!("nothing is at {path}");
            Response::from_status(StatusCode::NOT_FOUND).send_to_client();
        }
    }
    Ok(())
}
