//! The callbacks that a filter exports.

use super::error::PluginError;
use dunlin::{AsContextMut, Instance, Module, TypedFunc, WasmParams, WasmResults};

/// A callback's parameters are numbers, and the first is the context's; some return a decision.
type Callback<P, R = u32> = Option<TypedFunc<P, R>>;

/// A callback about headers, which doesn't say whether they are the end in ABI 0.1.
#[derive(Clone, Copy)]
pub(super) enum OnHeaders {
    None,
    V1(TypedFunc<(u32, u32), u32>),
    V2(TypedFunc<(u32, u32, u32), u32>),
}

/// The callbacks that a filter exports; whatever isn't exported has a default.
#[derive(Clone, Copy)]
pub(super) struct Exports {
    pub(super) context_create: Callback<(u32, u32), ()>,
    pub(super) vm_start: Callback<(u32, u32)>,
    pub(super) configure: Callback<(u32, u32)>,
    pub(super) headers: [OnHeaders; 2],
    pub(super) body: [Callback<(u32, u32, u32)>; 2],
    pub(super) trailers: [Callback<(u32, u32)>; 2],
    pub(super) new_connection: Callback<u32>,
    pub(super) data: [Callback<(u32, u32, u32)>; 2],
    /// Of the connection to the client, and that to the server.
    pub(super) connection_close: [Callback<(u32, u32), ()>; 2],
    pub(super) done: Callback<u32>,
    pub(super) log: Callback<u32, ()>,
    pub(super) delete: Callback<u32, ()>,
    pub(super) tick: Callback<u32, ()>,
    pub(super) queue_ready: Callback<(u32, u32), ()>,
    pub(super) http_call_response: Callback<(u32, u32, u32, u32, u32), ()>,
    pub(super) foreign_function: Callback<(u32, u32, u32), ()>,
}

/// Finds exported functions.
pub(super) struct Finder<'a, S> {
    pub(super) store: &'a mut S,
    pub(super) instance: Instance,
}

impl<S: AsContextMut> Finder<'_, S> {
    /// # Errors
    /// If it is exported and has another type.
    pub(super) fn find<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> Result<Callback<P, R>, PluginError> {
        if self.instance.get_func(&mut *self.store, name).is_none() {
            return Ok(None);
        }
        let found = self.instance.get_typed_func(&mut *self.store, name);
        found.map(Some).map_err(|error| PluginError::NotAFilter(error.to_string()))
    }

    fn find_headers(&mut self, name: &str) -> Result<OnHeaders, PluginError> {
        if let Ok(Some(function)) = self.find(name) {
            return Ok(OnHeaders::V1(function));
        }
        Ok(self.find(name)?.map_or(OnHeaders::None, OnHeaders::V2))
    }
}

impl Exports {
    /// # Errors
    /// If a callback has another type than the ABI says.
    pub(super) fn new<S: AsContextMut>(finder: &mut Finder<'_, S>) -> Result<Self, PluginError> {
        Ok(Self {
            context_create: finder.find("proxy_on_context_create")?,
            vm_start: finder.find("proxy_on_vm_start")?,
            configure: finder.find("proxy_on_configure")?,
            headers: [
                finder.find_headers("proxy_on_request_headers")?,
                finder.find_headers("proxy_on_response_headers")?,
            ],
            body: [finder.find("proxy_on_request_body")?, finder.find("proxy_on_response_body")?],
            trailers: [finder.find("proxy_on_request_trailers")?, finder.find("proxy_on_response_trailers")?],
            new_connection: finder.find("proxy_on_new_connection")?,
            data: [finder.find("proxy_on_downstream_data")?, finder.find("proxy_on_upstream_data")?],
            connection_close: [
                finder.find("proxy_on_downstream_connection_close")?,
                finder.find("proxy_on_upstream_connection_close")?,
            ],
            done: finder.find("proxy_on_done")?,
            log: finder.find("proxy_on_log")?,
            delete: finder.find("proxy_on_delete")?,
            tick: finder.find("proxy_on_tick")?,
            queue_ready: finder.find("proxy_on_queue_ready")?,
            http_call_response: finder.find("proxy_on_http_call_response")?,
            foreign_function: finder.find("proxy_on_foreign_function")?,
        })
    }
}

/// The version of the ABI that a module says it has.
pub(super) fn abi_version(module: &Module) -> Option<(u32, u32, u32)> {
    let versions = [("0_1_0", (0, 1, 0)), ("0_2_0", (0, 2, 0)), ("0_2_1", (0, 2, 1))];
    let found = versions
        .into_iter()
        .find(|(name, _)| module.get_export(&format!("proxy_abi_version_{name}")).is_some());
    found.map(|(_, version)| version)
}
