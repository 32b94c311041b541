//! What every Worker needs: its settings and bindings by name, its log on the console, its answers.

use worker::send::IntoSendFuture as _;
use worker::{D1Database, Env, Queue, Request, Response, ResponseBuilder, console_error, console_log, console_warn};
use worker::{js_sys, wasm_bindgen::JsValue};

use crate::config::Config;
use crate::console;
use crate::needs::Needs;
use crate::serve::Asked;
use crate::site::Answer;

/// Sends the log and the words of a panic to the console, one line of JSON each.
pub fn log_to_console() {
    console::log_to(|level, line| match level {
        tracing::Level::ERROR => console_error!("{line}"),
        tracing::Level::WARN => console_warn!("{line}"),
        _ => console_log!("{line}"),
    });
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
}

/// What is read of the request.
///
/// # Errors
/// When its body does not arrive.
pub async fn asked(mut request: Request) -> worker::Result<Asked> {
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let (authorization, seen) = (header("authorization"), header("if-none-match"));
    Ok(Asked {
        method: request.method().to_string(),
        path: request.path(),
        authorization,
        seen,
        body: request.bytes().into_send().await?,
    })
}

/// The answer as the runtime takes it. Of an error the log has the reason, and a visitor learns that it is not their fault.
///
/// # Errors
/// Never in practice: the headers are our own.
pub fn respond(answer: Result<Answer, String>) -> worker::Result<Response> {
    let answer = answer.unwrap_or_else(|why| {
        tracing::error!("{why}");
        Answer::line(503, "try again in a moment")
    });
    let mut response = ResponseBuilder::new().with_status(answer.status);
    for (name, value) in answer.headers {
        response = response.with_header(name, &value)?;
    }
    Ok(match answer.body {
        empty if empty.is_empty() => response.empty(),
        body => response.fixed(body.into_bytes()),
    })
}

/// [`Needs`] of a Worker: its vars, secrets and bindings.
#[derive(Debug)]
pub struct Bound<'e> {
    env: &'e Env,
    needs: Needs,
}

impl<'e> Bound<'e> {
    /// Asks `env`.
    #[must_use]
    pub fn to(env: &'e Env) -> Self {
        Self {
            env,
            needs: Needs::default(),
        }
    }

    /// A var that may be missing.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.env
            .var(name)
            .ok()
            .map(|value| value.to_string())
            .filter(|value| !value.is_empty())
    }

    /// A var.
    pub fn var(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        self.needs.found(&format!("the var {name}"), value)
    }

    /// A secret that may be missing.
    #[must_use]
    pub fn optional_secret(&self, name: &str) -> Option<String> {
        let value = self.env.secret(name).ok().map(|value| value.to_string());
        value.filter(|value| !value.is_empty())
    }

    /// A secret.
    pub fn secret(&mut self, name: &str) -> Option<String> {
        let value = self.optional_secret(name);
        self.needs.found(&format!("the secret {name}"), value)
    }

    /// Any other binding, such as that of Workers AI.
    pub fn binding(&mut self, name: &str) -> Option<JsValue> {
        let value = js_sys::Reflect::get(self.env, &name.into()).ok();
        let value = value.filter(|value| !value.is_undefined());
        self.needs.found(&format!("the binding {name}"), value)
    }

    /// A D1 database.
    pub fn d1(&mut self, name: &str) -> Option<D1Database> {
        self.needs
            .found(&format!("the D1 binding {name}"), self.env.d1(name).ok())
    }

    /// A queue to send to.
    pub fn queue(&mut self, name: &str) -> Option<Queue> {
        self.needs
            .found(&format!("the queue binding {name}"), self.env.queue(name).ok())
    }

    /// Notes a var that is set and that this Worker does not read.
    pub fn unused(&mut self, name: &str, why: &str) {
        let value = self.optional(name);
        self.needs.unused(name, value.as_deref(), why);
    }

    /// What was made of the settings, or a note why it could not be.
    pub fn made<T, E: std::fmt::Display>(&mut self, made: Result<T, E>) -> Option<T> {
        self.needs.made(made)
    }

    /// The whole, or one line with everything that is missing or wrong.
    ///
    /// # Errors
    /// That line.
    pub fn whole<T>(&self, whole: Option<T>) -> Result<T, String> {
        self.needs.whole(whole)
    }

    /// The pipeline's settings, from the vars.
    pub fn config(&mut self) -> Option<Config> {
        let env = self.env;
        self.needs
            .config(|name| env.var(name).ok().map(|value| value.to_string()))
    }
}
