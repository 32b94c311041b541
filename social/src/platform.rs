//! The one place that knows the target.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
compile_error!("presswork-social wraps futures of the JavaScript thread; wasm32 with atomics is not supported");

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::*;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::*;
