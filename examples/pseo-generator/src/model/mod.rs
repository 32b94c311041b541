//! The model that `MODEL_PROVIDER` names, among those that the Worker was built with: each is a feature. Both Workers have
//! this file.

#[cfg(feature = "workers-ai")]
mod platform;

use std::sync::Arc;

use presswork_ai_adapter::{LanguageModel, LanguageModelExt};
use presswork_pipeline::worker::Bound;

/// Builds a model, patient with passing faults. The builders are alike and of different types.
macro_rules! built {
    ($need:ident, $builder:expr) => {{
        let mut builder = $builder;
        if let Some(url) = $need.optional("MODEL_BASE_URL") {
            builder = builder.base_url(url);
        }
        Some(Arc::new($need.made(builder.build())?.retry(Default::default())))
    }};
}

pub(crate) fn model(need: &mut Bound<'_>) -> Option<Arc<dyn LanguageModel>> {
    let (provider, name) = (need.var("MODEL_PROVIDER"), need.var("MODEL_NAME"));
    match provider?.as_str() {
        #[cfg(feature = "openai")]
        "openai" => {
            let key = need.secret("OPENAI_API_KEY");
            built!(need, presswork_ai_adapter::OpenAi::builder(name?).api_key(key?))
        }
        #[cfg(feature = "anthropic")]
        "anthropic" => {
            let key = need.secret("ANTHROPIC_API_KEY");
            built!(need, presswork_ai_adapter::Anthropic::builder(name?).api_key(key?))
        }
        #[cfg(feature = "gemini")]
        "gemini" => {
            let key = need.secret("GEMINI_API_KEY");
            built!(need, presswork_ai_adapter::Gemini::builder(name?).api_key(key?))
        }
        #[cfg(feature = "workers-ai")]
        "workers-ai" => {
            let binding = need.binding("AI");
            built!(
                need,
                platform::bound(presswork_ai_adapter::WorkersAi::builder(name?), binding?)
            )
        }
        other => need.made(Err(format!(
            "MODEL_PROVIDER is {other:?}, which this Worker was not built with"
        ))),
    }
}
