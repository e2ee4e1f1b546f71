//! Sends one request through filters and an upstream that echoes it, and prints what happens.
//!
//! `cargo run --release -p dunlin-hosts --example filter -- [-c CONFIG] FILTER.wasm … -- [-X METHOD] [-H NAME:VALUE]… [-d BODY] [PATH]`

use dunlin::{Engine, Module};
use dunlin_hosts::proxy_wasm::{
    Attributes, Chain, Headers, Level, Message, Output, Plugin, PluginOptions, Stream,
};
use std::error::Error;

/// What the command line says.
#[derive(Default)]
struct Request {
    method: Option<String>,
    path: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (filters, request) =
        arguments.split_at(arguments.iter().position(|a| a == "--").unwrap_or(arguments.len()));
    let mut chain = Chain::new(&plugins(filters)?)?;
    let request = parse_request(request.get(1..).unwrap_or_default())?;
    let mut stream = Stream::new(&mut chain, Attributes::default());
    let method = request.method.unwrap_or_else(|| if request.body.is_some() { "POST" } else { "GET" }.into());
    let mut headers: Headers =
        [(":method", method), (":path", request.path.unwrap_or_else(|| "/".into()))].into_iter().collect();
    headers.extend([(":authority", "localhost"), (":scheme", "http")]);
    if let Some(body) = &request.body {
        headers.append("content-length", body.len().to_string());
    }
    headers.extend(request.headers);
    stream.request_headers(&mut chain, headers, request.body.is_none());
    if let Some(body) = request.body {
        stream.request_body(&mut chain, body, true);
    }
    exchange(&mut chain, &mut stream);
    stream.close(&mut chain);
    Ok(())
}

fn plugins(arguments: &[String]) -> Result<Vec<Plugin>, Box<dyn Error>> {
    let engine = Engine::default();
    let (mut plugins, mut configuration, mut arguments) = (Vec::new(), String::new(), arguments.iter());
    while let Some(argument) = arguments.next() {
        if argument == "-c" {
            configuration = arguments.next().ok_or("-c needs a text")?.clone();
            continue;
        }
        let print =
            |message: Message<'_>| println!("{}: {:?}: {}", message.plugin, message.level, message.text);
        let options = PluginOptions::default().name(argument).log(Level::Trace, print);
        let options = options.configuration(std::mem::take(&mut configuration));
        plugins.push(Plugin::new(&Module::from_file(&engine, argument)?, options)?);
    }
    Ok(plugins)
}

fn parse_request(arguments: &[String]) -> Result<Request, Box<dyn Error>> {
    let (mut request, mut arguments) = (Request::default(), arguments.iter());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().cloned().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "-X" => request.method = Some(value()?),
            "-d" => request.body = Some(value()?),
            "-H" => {
                let value = value()?;
                let (name, value) = value.split_once(':').ok_or("a header is NAME:VALUE")?;
                request.headers.push((name.into(), value.trim().into()));
            }
            path => request.path = Some(path.into()),
        }
    }
    Ok(request)
}

/// The upstream answers with the request's body.
fn exchange(chain: &mut Chain, stream: &mut Stream) {
    let mut echo = Vec::new();
    while let Some(output) = stream.next(chain) {
        let ends = match &output {
            Output::RequestHeaders { headers, end } => {
                println!("to upstream: {headers:?}");
                *end
            }
            Output::RequestBody { bytes, end } => {
                println!("to upstream: {}", String::from_utf8_lossy(bytes));
                echo.extend(bytes);
                *end
            }
            other => {
                println!("{other:?}");
                false
            }
        };
        if ends {
            let headers = [(":status", "200"), ("content-length", &echo.len().to_string())];
            stream.response_headers(chain, headers.into_iter().collect(), echo.is_empty());
            if !echo.is_empty() {
                stream.response_body(chain, std::mem::take(&mut echo), true);
            }
        }
    }
}
