//! Fastly's modules that are here, each with the functions that it has.

use super::{
    Guest, Session, Status, backends, bodies, headers, kv, messages, metadata, sending, stores, to_guest,
};
use dunlin::{Error, Linker};

/// Declares host functions of one of Fastly's modules: what links them, and their names.
macro_rules! functions {
    ($module:literal: $($name:literal ($($arg:ident: $ty:ty),*) => |$guest:ident| $call:expr;)*) => {
        pub(in crate::fastly::calls) const NAMES: &[&str] = &[$($name),*];

        pub(in crate::fastly::calls) fn link(linker: &mut Linker<Session>) -> Result<(), Error> {
            $(
                #[allow(unused_mut, unused_variables, reason = "not every function needs all that it is given")]
                linker.func_wrap($module, $name, |mut $guest: Guest<'_>, $($arg: $ty),*| {
                    let $guest = &mut $guest;
                    $guest.data().need_client()?;
                    to_guest($call)
                })?;
            )*
            Ok(())
        }
    };
}

mod abi {
    use super::*;

    functions! { "fastly_abi":
        "init"(version: u64) => |guest| metadata::init(version);
    }
}

mod http_body {
    use super::*;
    use bodies::*;

    functions! { "fastly_http_body":
        "new"(out: u32) => |guest| new(guest, out);
        "append"(to: u32, from: u32) => |guest| append(guest, to, from);
        "read"(body: u32, at: u32, len: u32, out: u32) => |guest| read(guest, body, (at, len), out);
        "write"(body: u32, at: u32, len: u32, end: u32, out: u32)
            => |guest| write(guest, body, (at, len), end, out);
        "close"(body: u32) => |guest| close(guest, body);
        "abandon"(body: u32) => |guest| abandon(guest, body);
        "known_length"(body: u32, out: u32) => |guest| known_length(guest, body, out);
        "trailer_append"(body: u32, n: u32, nn: u32, v: u32, vn: u32) => |guest| Err(Status::Unsupported.into());
        "trailer_names_get"(body: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| trailers(guest, body, (at, len), cursor, end, out);
        "trailer_value_get"(body: u32, n: u32, nn: u32, at: u32, len: u32, out: u32)
            => |guest| no_trailer(guest, body);
        "trailer_values_get"(body: u32, n: u32, nn: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| trailers(guest, body, (at, len), cursor, end, out);
    }
}

mod http_req {
    use super::*;
    use headers::*;
    use messages::*;
    use metadata::*;
    use sending::*;

    functions! { "fastly_http_req":
        "body_downstream_get"(request: u32, body: u32) => |guest| downstream(guest, request, body);
        "new"(out: u32) => |guest| new_request(guest, out);
        "close"(request: u32) => |guest| close_request(guest, request);
        "method_get"(request: u32, at: u32, len: u32, out: u32)
            => |guest| get_method(guest, request, (at, len), out);
        "method_set"(request: u32, at: u32, len: u32) => |guest| set_method(guest, request, (at, len));
        "uri_get"(request: u32, at: u32, len: u32, out: u32) => |guest| get_uri(guest, request, (at, len), out);
        "uri_set"(request: u32, at: u32, len: u32) => |guest| set_uri(guest, request, (at, len));
        "version_get"(request: u32, out: u32) => |guest| get_request_version(guest, request, out);
        "version_set"(request: u32, version: u32) => |guest| set_request_version(guest, request, version);
        "framing_headers_mode_set"(request: u32, mode: u32) => |guest| set_request_mode(guest, request, mode);
        "auto_decompress_response_set"(request: u32, encodings: u32)
            => |guest| set_decompression(guest, request, encodings);
        "cache_override_set"(request: u32, tag: u32, ttl: u32, swr: u32)
            => |guest| set_cache_override(guest, request);
        "cache_override_v2_set"(request: u32, tag: u32, ttl: u32, swr: u32, k: u32, kn: u32)
            => |guest| set_cache_override(guest, request);
        "cache_override_v3_set"(request: u32, tag: u32, config: u32)
            => |guest| set_cache_override(guest, request);
        "header_names_get"(request: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| names(guest, Of::Request(request), (at, len), cursor, end, out);
        "header_values_get"(request: u32, n: u32, nn: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| values(guest, Of::Request(request), (n, nn), (at, len), cursor, end, out);
        "header_value_get"(request: u32, n: u32, nn: u32, at: u32, len: u32, out: u32)
            => |guest| value(guest, Of::Request(request), (n, nn), (at, len), out);
        "header_values_set"(request: u32, n: u32, nn: u32, v: u32, vn: u32)
            => |guest| set_values(guest, Of::Request(request), (n, nn), (v, vn));
        "header_insert"(request: u32, n: u32, nn: u32, v: u32, vn: u32)
            => |guest| insert(guest, Of::Request(request), (n, nn), (v, vn));
        "header_append"(request: u32, n: u32, nn: u32, v: u32, vn: u32)
            => |guest| append(guest, Of::Request(request), (n, nn), (v, vn));
        "header_remove"(request: u32, n: u32, nn: u32) => |guest| remove(guest, Of::Request(request), (n, nn));
        "original_header_names_get"(at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| original_names(guest, (at, len), cursor, end, out);
        "original_header_count"(out: u32) => |guest| original_count(guest, out);
        "downstream_client_ip_addr"(at: u32, out: u32) => |guest| client_address(guest, at, out);
        "downstream_server_ip_addr"(at: u32, out: u32) => |guest| server_address(guest, at, out);
        "downstream_client_request_id"(at: u32, len: u32, out: u32) => |guest| request_id(guest, (at, len), out);
        "downstream_client_ddos_detected"(out: u32) => |guest| no(guest, out);
        "fastly_key_is_valid"(out: u32) => |guest| no(guest, out);
        "register_dynamic_backend"(n: u32, nn: u32, t: u32, tn: u32, mask: u32, config: u32)
            => |guest| backends::register(guest, (n, nn), (t, tn), mask, config);
        "send"(request: u32, body: u32, b: u32, bn: u32, response: u32, response_body: u32)
            => |guest| send(guest, (request, body), (b, bn), None, (response, response_body));
        "send_v2"(request: u32, body: u32, b: u32, bn: u32, detail: u32, response: u32, response_body: u32)
            => |guest| send(guest, (request, body), (b, bn), Some(detail), (response, response_body));
        "send_v3"(request: u32, body: u32, b: u32, bn: u32, detail: u32, response: u32, response_body: u32)
            => |guest| send(guest, (request, body), (b, bn), Some(detail), (response, response_body));
        "send_async"(request: u32, body: u32, b: u32, bn: u32, out: u32)
            => |guest| send_async(guest, (request, body), (b, bn), false, out);
        "send_async_streaming"(request: u32, body: u32, b: u32, bn: u32, out: u32)
            => |guest| send_async(guest, (request, body), (b, bn), true, out);
        "send_async_v2"(request: u32, body: u32, b: u32, bn: u32, streams: u32, out: u32)
            => |guest| send_async(guest, (request, body), (b, bn), streams != 0, out);
        "pending_req_poll"(pending: u32, done: u32, response: u32, body: u32)
            => |guest| poll(guest, pending, None, done, (response, body));
        "pending_req_poll_v2"(pending: u32, detail: u32, done: u32, response: u32, body: u32)
            => |guest| poll(guest, pending, Some(detail), done, (response, body));
        "pending_req_wait"(pending: u32, response: u32, body: u32)
            => |guest| wait(guest, pending, None, (response, body));
        "pending_req_wait_v2"(pending: u32, detail: u32, response: u32, body: u32)
            => |guest| wait(guest, pending, Some(detail), (response, body));
        "pending_req_select"(at: u32, len: u32, index: u32, response: u32, body: u32)
            => |guest| select_request(guest, (at, len), None, index, (response, body));
        "pending_req_select_v2"(at: u32, len: u32, detail: u32, index: u32, response: u32, body: u32)
            => |guest| select_request(guest, (at, len), Some(detail), index, (response, body));
    }
}

mod http_resp {
    use super::*;
    use headers::*;
    use messages::*;

    functions! { "fastly_http_resp":
        "new"(out: u32) => |guest| new_response(guest, out);
        "close"(response: u32) => |guest| close_response(guest, response);
        "status_get"(response: u32, out: u32) => |guest| get_status(guest, response, out);
        "status_set"(response: u32, status: u32) => |guest| set_status(guest, response, status);
        "version_get"(response: u32, out: u32) => |guest| get_response_version(guest, response, out);
        "version_set"(response: u32, version: u32) => |guest| set_response_version(guest, response, version);
        "framing_headers_mode_set"(response: u32, mode: u32) => |guest| set_response_mode(guest, response, mode);
        "http_keepalive_mode_set"(response: u32, mode: u32) => |guest| set_response_mode(guest, response, mode);
        "send_downstream"(response: u32, body: u32, streams: u32)
            => |guest| send_downstream(guest, response, body, streams != 0);
        "header_names_get"(response: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| names(guest, Of::Response(response), (at, len), cursor, end, out);
        "header_values_get"(response: u32, n: u32, nn: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| values(guest, Of::Response(response), (n, nn), (at, len), cursor, end, out);
        "header_value_get"(response: u32, n: u32, nn: u32, at: u32, len: u32, out: u32)
            => |guest| value(guest, Of::Response(response), (n, nn), (at, len), out);
        "header_values_set"(response: u32, n: u32, nn: u32, v: u32, vn: u32)
            => |guest| set_values(guest, Of::Response(response), (n, nn), (v, vn));
        "header_insert"(response: u32, n: u32, nn: u32, v: u32, vn: u32)
            => |guest| insert(guest, Of::Response(response), (n, nn), (v, vn));
        "header_append"(response: u32, n: u32, nn: u32, v: u32, vn: u32)
            => |guest| append(guest, Of::Response(response), (n, nn), (v, vn));
        "header_remove"(response: u32, n: u32, nn: u32) => |guest| remove(guest, Of::Response(response), (n, nn));
    }
}

mod http_downstream {
    use super::*;
    use metadata::*;

    functions! { "fastly_http_downstream":
        "downstream_client_ip_addr"(request: u32, at: u32, out: u32) => |guest| client_address(guest, at, out);
        "downstream_server_ip_addr"(request: u32, at: u32, out: u32) => |guest| server_address(guest, at, out);
        "downstream_client_request_id"(request: u32, at: u32, len: u32, out: u32)
            => |guest| request_id(guest, (at, len), out);
        "downstream_original_header_names"(request: u32, at: u32, len: u32, cursor: u32, end: u32, out: u32)
            => |guest| original_names(guest, (at, len), cursor, end, out);
        "downstream_original_header_count"(request: u32, out: u32) => |guest| original_count(guest, out);
        "downstream_client_ddos_detected"(request: u32, out: u32) => |guest| no(guest, out);
        "downstream_bot_analyzed"(request: u32, out: u32) => |guest| no(guest, out);
        "downstream_bot_detected"(request: u32, out: u32) => |guest| no(guest, out);
        "downstream_bot_verified"(request: u32, out: u32) => |guest| no(guest, out);
        "fastly_key_is_valid"(request: u32, out: u32) => |guest| no(guest, out);
    }
}

mod async_io {
    use super::*;
    use sending::*;

    functions! { "fastly_async_io":
        "select"(at: u32, len: u32, time: u32, out: u32) => |guest| select(guest, (at, len), time, out);
        "is_ready"(item: u32, out: u32) => |guest| is_ready(guest, item, out);
    }
}

mod backend {
    use super::*;
    use backends::*;

    functions! { "fastly_backend":
        "exists"(n: u32, nn: u32, out: u32) => |guest| exists(guest, (n, nn), out);
        "is_healthy"(n: u32, nn: u32, out: u32) => |guest| number(guest, (n, nn), out, |_| 0);
        "is_dynamic"(n: u32, nn: u32, out: u32) => |guest| is_dynamic(guest, (n, nn), out);
        "is_ssl"(n: u32, nn: u32, out: u32)
            => |guest| number(guest, (n, nn), out, |backend| backend.is_secure().into());
        "get_port"(n: u32, nn: u32, out: u32) => |guest| port(guest, (n, nn), out);
        "get_host"(n: u32, nn: u32, at: u32, len: u32, out: u32)
            => |guest| host(guest, (n, nn), (at, len), out);
        "get_override_host"(n: u32, nn: u32, at: u32, len: u32, out: u32)
            => |guest| override_host(guest, (n, nn), (at, len), out);
    }
}

mod log {
    use super::*;
    use stores::*;

    functions! { "fastly_log":
        "endpoint_get"(n: u32, nn: u32, out: u32) => |guest| open_endpoint(guest, (n, nn), out);
        "write"(endpoint: u32, at: u32, len: u32, out: u32) => |guest| log(guest, endpoint, (at, len), out);
    }
}

mod dictionary {
    use super::*;
    use stores::*;

    functions! { "fastly_dictionary":
        "open"(n: u32, nn: u32, out: u32) => |guest| open_dictionary(guest, (n, nn), out);
        "get"(store: u32, k: u32, kn: u32, at: u32, len: u32, out: u32)
            => |guest| get_word(guest, store, (k, kn), (at, len), out);
    }
}

mod config_store {
    use super::*;
    use stores::*;

    functions! { "fastly_config_store":
        "open"(n: u32, nn: u32, out: u32) => |guest| open_dictionary(guest, (n, nn), out);
        "get"(store: u32, k: u32, kn: u32, at: u32, len: u32, out: u32)
            => |guest| get_word(guest, store, (k, kn), (at, len), out);
    }
}

mod secret_store {
    use super::*;
    use stores::*;

    functions! { "fastly_secret_store":
        "open"(n: u32, nn: u32, out: u32) => |guest| open_secrets(guest, (n, nn), out);
        "get"(store: u32, k: u32, kn: u32, out: u32) => |guest| get_secret(guest, store, (k, kn), out);
        "plaintext"(secret: u32, at: u32, len: u32, out: u32) => |guest| plaintext(guest, secret, (at, len), out);
        "from_bytes"(at: u32, len: u32, out: u32) => |guest| make_secret(guest, (at, len), out);
    }
}

mod kv_store {
    use super::*;
    use kv::*;

    functions! { "fastly_kv_store":
        "open"(n: u32, nn: u32, out: u32) => |guest| open(guest, (n, nn), out);
        "lookup"(store: u32, k: u32, kn: u32, mask: u32, config: u32, out: u32)
            => |guest| lookup(guest, store, (k, kn), out);
        "lookup_wait"(pending: u32, body: u32, at: u32, len: u32, n: u32, generation: u32, outcome: u32)
            => |guest| lookup_wait(guest, pending, body, Some(((at, len), n)), Some((generation, false)), Some(outcome));
        "lookup_wait_v2"(pending: u32, body: u32, at: u32, len: u32, n: u32, generation: u32, outcome: u32)
            => |guest| lookup_wait(guest, pending, body, Some(((at, len), n)), Some((generation, true)), Some(outcome));
        "insert"(store: u32, k: u32, kn: u32, body: u32, mask: u32, config: u32, out: u32)
            => |guest| insert(guest, store, (k, kn), body, Some((mask, config)), out);
        "insert_wait"(pending: u32, outcome: u32) => |guest| change_wait(guest, pending, Some(outcome));
        "delete"(store: u32, k: u32, kn: u32, mask: u32, config: u32, out: u32)
            => |guest| delete(guest, store, (k, kn), out);
        "delete_wait"(pending: u32, outcome: u32) => |guest| change_wait(guest, pending, Some(outcome));
        "list"(store: u32, mask: u32, config: u32, out: u32) => |guest| list(guest, store, (mask, config), out);
        "list_wait"(pending: u32, body: u32, outcome: u32) => |guest| list_wait(guest, pending, body, outcome);
    }
}

mod object_store {
    use super::*;
    use kv::*;

    functions! { "fastly_object_store":
        "open"(n: u32, nn: u32, out: u32) => |guest| open(guest, (n, nn), out);
        "lookup"(store: u32, k: u32, kn: u32, body: u32) => |guest| lookup_now(guest, store, (k, kn), body);
        "lookup_async"(store: u32, k: u32, kn: u32, out: u32) => |guest| lookup(guest, store, (k, kn), out);
        "pending_lookup_wait"(pending: u32, body: u32) => |guest| lookup_wait(guest, pending, body, None, None, None);
        "insert"(store: u32, k: u32, kn: u32, body: u32) => |guest| insert_now(guest, store, (k, kn), body);
        "insert_async"(store: u32, k: u32, kn: u32, body: u32, out: u32)
            => |guest| insert(guest, store, (k, kn), body, None, out);
        "pending_insert_wait"(pending: u32, outcome: u32) => |guest| change_wait(guest, pending, Some(outcome));
        "delete_async"(store: u32, k: u32, kn: u32, out: u32) => |guest| delete(guest, store, (k, kn), out);
        "pending_delete_wait"(pending: u32) => |guest| change_wait(guest, pending, None);
    }
}

mod compute_runtime {
    use super::*;
    use metadata::*;

    functions! { "fastly_compute_runtime":
        "get_vcpu_ms"(out: u32) => |guest| used_time(guest, out);
        "get_heap_mib"(out: u32) => |guest| heap(guest, out);
    }
}

/// Links a module's functions.
pub(super) type Link = fn(&mut Linker<Session>) -> Result<(), Error>;

/// The modules, their functions' names, and what links them.
pub(super) const MODULES: &[(&str, &[&str], Link)] = &[
    ("fastly_abi", abi::NAMES, abi::link),
    ("fastly_http_body", http_body::NAMES, http_body::link),
    ("fastly_http_req", http_req::NAMES, http_req::link),
    ("fastly_http_resp", http_resp::NAMES, http_resp::link),
    ("fastly_http_downstream", http_downstream::NAMES, http_downstream::link),
    ("fastly_async_io", async_io::NAMES, async_io::link),
    ("fastly_backend", backend::NAMES, backend::link),
    ("fastly_log", log::NAMES, log::link),
    ("fastly_dictionary", dictionary::NAMES, dictionary::link),
    ("fastly_config_store", config_store::NAMES, config_store::link),
    ("fastly_secret_store", secret_store::NAMES, secret_store::link),
    ("fastly_kv_store", kv_store::NAMES, kv_store::link),
    ("fastly_object_store", object_store::NAMES, object_store::link),
    ("fastly_compute_runtime", compute_runtime::NAMES, compute_runtime::link),
];
