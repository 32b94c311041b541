//! What servers understand, as data: a compatible server is a row and not a type.

use crate::Capabilities;

/// Which of OpenAI's two text APIs a server is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Api {
    /// [`POST /responses`](https://platform.openai.com/docs/api-reference/responses). Nothing is stored (`store: false`).
    Responses,
    /// [`POST /chat/completions`](https://platform.openai.com/docs/api-reference/chat).
    ChatCompletions,
}

/// How Chat Completions carries a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaForm {
    /// `{"type": "json_schema", "json_schema": {"name", "schema", "strict"}}`.
    Envelope,
    /// `{"type": "json_object", "schema"}`, which every build of llama.cpp takes.
    JsonObject,
}

/// How Chat Completions carries the reasoning effort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasoningForm {
    /// `"reasoning_effort": "low"`.
    Effort,
    /// `"reasoning": {"effort": "low"}`, as OpenRouter has it.
    Object,
}

/// What a server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialect {
    /// The API it is asked by. The other fields but [`capabilities`](Self::capabilities) are about Chat Completions.
    pub api: Api,
    /// Whether the output limit is `max_completion_tokens`; else it is `max_tokens`, which OpenAI's newer models refuse.
    pub max_completion_tokens: bool,
    /// Whether a stream is asked for its usage (`stream_options.include_usage`).
    pub stream_usage: bool,
    /// How a schema goes out.
    pub schema: SchemaForm,
    /// How the reasoning effort goes out.
    pub reasoning: ReasoningForm,
    /// Whether a request with a schema insists on a backend that honours it (OpenRouter's `provider.require_parameters`).
    pub require_parameters: bool,
    /// What requests may ask for.
    pub capabilities: Capabilities,
}

impl Dialect {
    /// OpenAI itself, by its Responses API. It has no stop texts.
    pub const fn openai() -> Self {
        let capabilities = Capabilities {
            stop: false,
            ..Capabilities::all()
        };
        Self {
            api: Api::Responses,
            capabilities,
            ..Self::chat()
        }
    }

    /// OpenAI itself, by Chat Completions.
    pub const fn chat() -> Self {
        Self {
            api: Api::ChatCompletions,
            max_completion_tokens: true,
            stream_usage: true,
            schema: SchemaForm::Envelope,
            reasoning: ReasoningForm::Effort,
            require_parameters: false,
            capabilities: Capabilities::all(),
        }
    }

    /// What compatible servers have in common: Chat Completions with `max_tokens`, no forced tool (Ollama and llama.cpp ignore
    /// it) and no reasoning effort.
    pub const fn compatible() -> Self {
        let capabilities = Capabilities {
            forced_tool: false,
            reasoning_effort: false,
            ..Capabilities::all()
        };
        Self {
            max_completion_tokens: false,
            capabilities,
            ..Self::chat()
        }
    }
}

/// A known server: where it is and what it understands.
///
/// ```
/// use presswork_ai_adapter::OpenAi;
/// use presswork_ai_adapter::providers::openai::Preset;
///
/// let local = OpenAi::builder("llama3.2").preset(Preset::OLLAMA).build()?;
/// let named = Preset::named("groq").expect("a preset");
/// let hosted = OpenAi::builder("llama-3.3-70b-versatile").preset(*named).api_key("gsk_...").build()?;
/// # Ok::<(), presswork_ai_adapter::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// The provider's name in errors, ledgers and prices.
    pub name: &'static str,
    /// Where it is; `None` where every customer has a server of his own.
    pub base_url: Option<&'static str>,
    /// The header the key goes in; behind the word `Bearer` when it is `authorization`.
    pub key_header: &'static str,
    /// The host that answers nobody without a key; with a dot before it, all hosts that end so.
    pub key_needed_by: Option<&'static str>,
    /// What it understands.
    pub dialect: Dialect,
}

const AUTHORIZATION: &str = "authorization";

impl Preset {
    /// [OpenAI](https://platform.openai.com/docs/api-reference).
    pub const OPENAI: Self = Self::new(
        "openai",
        "https://api.openai.com/v1",
        Some("api.openai.com"),
        Dialect::openai(),
    );
    /// [Ollama](https://github.com/ollama/ollama/blob/main/docs/api/openai-compatibility.mdx) on this machine.
    pub const OLLAMA: Self = Self::new("ollama", "http://localhost:11434/v1", None, {
        let mut dialect = Dialect::compatible();
        dialect.capabilities.reasoning_effort = true;
        dialect
    });
    /// [vLLM](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html) on this machine.
    pub const VLLM: Self = Self::new("vllm", "http://localhost:8000/v1", None, {
        let mut dialect = Dialect::compatible();
        dialect.capabilities.forced_tool = true;
        dialect
    });
    /// [llama.cpp's server](https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md) on this machine.
    pub const LLAMA_CPP: Self = Self::new("llama.cpp", "http://localhost:8080/v1", None, {
        let mut dialect = Dialect::compatible();
        dialect.schema = SchemaForm::JsonObject;
        dialect
    });
    /// [OpenRouter](https://openrouter.ai/docs/api-reference).
    pub const OPENROUTER: Self = Self::new("openrouter", "https://openrouter.ai/api/v1", Some("openrouter.ai"), {
        let mut dialect = Dialect::compatible();
        // Usage is always sent.
        dialect.stream_usage = false;
        dialect.reasoning = ReasoningForm::Object;
        dialect.require_parameters = true;
        dialect.capabilities = Capabilities::all();
        dialect
    });
    /// [Groq](https://console.groq.com/docs/api-reference). Its JSON schemas work with some models only; the others answer 400.
    pub const GROQ: Self = Self::new("groq", "https://api.groq.com/openai/v1", Some("api.groq.com"), {
        let mut dialect = Dialect::compatible();
        dialect.max_completion_tokens = true;
        // A stream's usage comes unasked, in `x_groq`.
        dialect.stream_usage = false;
        dialect.capabilities = Capabilities::all();
        dialect
    });
    /// [Mistral](https://docs.mistral.ai/api). It refused `stream_options`, and sends a stream's usage unasked.
    pub const MISTRAL: Self = Self::new("mistral", "https://api.mistral.ai/v1", Some("api.mistral.ai"), {
        let mut dialect = Dialect::compatible();
        dialect.stream_usage = false;
        dialect.capabilities.forced_tool = true;
        dialect
    });
    /// [DeepSeek](https://api-docs.deepseek.com): JSON mode without a schema, and no forced tool while it thinks.
    pub const DEEPSEEK: Self = Self::new("deepseek", "https://api.deepseek.com", Some("api.deepseek.com"), {
        let mut dialect = Dialect::compatible();
        dialect.capabilities.native_schema = false;
        dialect.capabilities.reasoning_effort = true;
        dialect
    });
    /// [Azure OpenAI](https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle), the version without dates: set the base URL
    /// `https://RESOURCE.openai.azure.com/openai/v1`, and the deployment's name as the model. It wants a key,
    /// or a token of Microsoft Entra ID as the header `authorization`.
    pub const AZURE: Self = Self {
        base_url: None,
        key_header: "api-key",
        ..Self::new("azure", "", Some(".azure.com"), Dialect::openai())
    };
    /// [Together](https://docs.together.ai/reference/chat-completions-1).
    pub const TOGETHER: Self = Self::new("together", "https://api.together.xyz/v1", Some("api.together.xyz"), {
        let mut dialect = Dialect::compatible();
        dialect.capabilities.forced_tool = true;
        dialect
    });

    /// Every preset.
    pub const ALL: [Self; 10] = [
        Self::OPENAI,
        Self::OLLAMA,
        Self::VLLM,
        Self::LLAMA_CPP,
        Self::OPENROUTER,
        Self::GROQ,
        Self::MISTRAL,
        Self::DEEPSEEK,
        Self::AZURE,
        Self::TOGETHER,
    ];

    const fn new(
        name: &'static str,
        base_url: &'static str,
        key_needed_by: Option<&'static str>,
        dialect: Dialect,
    ) -> Self {
        Self {
            name,
            base_url: Some(base_url),
            key_header: AUTHORIZATION,
            key_needed_by,
            dialect,
        }
    }

    /// The preset of a name, as settings spell it.
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Preset] = &Preset::ALL;
        ALL.iter().find(|preset| preset.name == name)
    }

    pub(super) fn auth(&self) -> crate::http::Auth {
        crate::http::Auth {
            header: self.key_header,
            bearer: self.key_header == AUTHORIZATION,
            needed_by: self.key_needed_by,
        }
    }
}
