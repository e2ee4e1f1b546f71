//! What the hosts of this crate answer.

use crate::Abi;

impl Abi {
    /// Whether this crate's host for the ABI answers an import, besides those of WASI. What it doesn't answer traps when
    /// it is called. `None` if there is no host for the ABI, or this build lacks it.
    pub fn answers(self, module: &str, name: &str) -> Option<bool> {
        match self {
            #[cfg(feature = "atmo")]
            Abi::Atmo => Some(crate::atmo::answers(module, name)),
            #[cfg(feature = "fastly")]
            Abi::Fastly => Some(crate::fastly::answers(module, name)),
            #[cfg(feature = "opa")]
            Abi::Opa => Some(crate::opa::answers(module, name)),
            #[cfg(feature = "proxy-wasm")]
            Abi::ProxyWasm => Some(crate::proxy_wasm::answers(module, name)),
            #[cfg(feature = "actors")]
            Abi::WasmCloudActor => Some(crate::wapc::answers(module, name)),
            #[cfg(feature = "wapc")]
            Abi::Wapc => Some(crate::wapc::answers(module, name)),
            _ => {
                let _ = (module, name);
                None
            }
        }
    }
}
