//! The one place that knows the target: outside a Worker there is no AI binding.

use presswork_ai_adapter::providers::workers_ai::WorkersAiBuilder;
use wasm_bindgen::JsValue;

#[cfg(target_arch = "wasm32")]
pub(super) fn bound(builder: WorkersAiBuilder, binding: JsValue) -> WorkersAiBuilder {
    builder.binding(binding.into())
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn bound(builder: WorkersAiBuilder, _binding: JsValue) -> WorkersAiBuilder {
    builder
}
