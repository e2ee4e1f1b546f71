//! What Fastly has and nothing here does, where an application may ask without failing.

use super::{Session, Status};
use dunlin::{Error, ExternType, FuncType, Linker, Module, Val, ValType};

/// Modules whose functions are all answered "unsupported": caches, purging, rate limits, access lists, images, shields.
const UNSUPPORTED: &[&str] = &[
    "fastly_acl",
    "fastly_cache",
    "fastly_erl",
    "fastly_http_cache",
    "fastly_image_optimizer",
    "fastly_purge",
    "fastly_security",
    "fastly_shielding",
    "fastly_uap",
];

/// The same of other modules.
const UNSUPPORTED_FUNCTIONS: &[(&str, &str)] = &[
    ("fastly_http_downstream", "next_request"),
    ("fastly_http_downstream", "next_request_abandon"),
    ("fastly_http_downstream", "next_request_wait"),
    ("fastly_http_req", "inspect"),
    ("fastly_http_req", "on_behalf_of"),
    ("fastly_http_req", "pending_req_header_append"),
    ("fastly_http_req", "pending_req_header_insert"),
    ("fastly_http_req", "pending_req_header_remove"),
    ("fastly_http_req", "redirect_to_grip_proxy"),
    ("fastly_http_req", "redirect_to_grip_proxy_v2"),
    ("fastly_http_req", "redirect_to_websocket_proxy"),
    ("fastly_http_req", "redirect_to_websocket_proxy_v2"),
    ("fastly_http_req", "upgrade_websocket"),
    ("fastly_http_resp", "send_downstream_pending"),
];

/// Modules whose functions are all answered "none", since nothing is known of what they are asked.
const UNKNOWN: &[&str] = &["fastly_device_detection", "fastly_geo"];

/// What an import is answered, if all that can be said is a status.
fn status(module: &str, name: &str) -> Option<Status> {
    // What would be told of a client's TLS, its network, its device.
    let of_client = module == "fastly_http_downstream" || module == "fastly_http_req";
    if of_client && name.starts_with("downstream_") || UNKNOWN.contains(&module) {
        return Some(Status::None);
    }
    let of_connection = module == "fastly_http_resp" && name.starts_with("get_addr_dest_");
    let of_backend = module == "fastly_backend" && name.starts_with("get_");
    if of_connection || of_backend {
        return Some(Status::None);
    }
    let unsupported = UNSUPPORTED.contains(&module) || UNSUPPORTED_FUNCTIONS.contains(&(module, name));
    unsupported.then_some(Status::Unsupported)
}

/// Links what the module imports of that and isn't linked yet.
pub(super) fn link(linker: &mut Linker<Session>, module: &Module) -> Result<(), Error> {
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let ExternType::Func(ty) = import.ty() else { continue };
        if super::answers(from, name) || !gives_a_status(ty) {
            continue;
        }
        let Some(status) = status(from, name) else { continue };
        linker.func_new(from, name, ty.clone(), move |_, _, results| {
            if let [result] = results {
                *result = Val::I32(status as i32);
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn gives_a_status(ty: &FuncType) -> bool {
    ty.results().eq([ValType::I32])
}
