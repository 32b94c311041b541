//! GraphQL over HTTP, and its errors ([error handling](https://developers.buffer.com/guides/error-handling.html)).

use std::{sync::PoisonError, time::Duration};

use reqwest::{Method, header::AUTHORIZATION};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Buffer, NETWORK, wire};
use crate::{
    Error, Result,
    http::{Answer, Call, config},
};

impl Buffer {
    pub(super) async fn query<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T> {
        Ok(self.exchange(query, variables, Call::Repeatable).await?.0)
    }

    pub(super) async fn exchange<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
        call: Call,
    ) -> Result<(T, Answer)> {
        let (data, answer) = self.ask(query, variables, call).await?;
        match T::deserialize(data) {
            Ok(data) => Ok((data, answer)),
            Err(error) => Err(self
                .caller
                .unreadable(&answer, call, &format!("the answer cannot be read: {error}"))),
        }
    }

    /// What an answer holds besides errors. Not generic: a Worker pays for every copy.
    async fn ask(&self, query: &str, variables: Value, call: Call) -> Result<(Value, Answer)> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = self.caller.request(Method::POST, self.url.clone());
        let request = request
            .header(AUTHORIZATION, self.bearer.clone())
            .header("content-type", "application/json");
        let answer = self.caller.send(request.body(body), call).await?;
        if !answer.is_success() {
            return Err(self.refused(&answer, call));
        }
        let envelope: wire::Envelope = self.caller.decode(&answer, call)?;
        let whole = |data: &Value| {
            let fields = data.as_object();
            fields.is_some_and(|fields| fields.values().all(|part| !part.is_null()))
        };
        match envelope.data.filter(whole) {
            Some(data) => Ok((data, answer)),
            None if envelope.errors.is_empty() => {
                Err(self
                    .caller
                    .unreadable(&answer, call, "the answer has neither the data nor an error"))
            }
            None => Err(self.refused(&answer, call)),
        }
    }

    /// Errors arrive with a status of their own and inside a 200.
    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let envelope = serde_json::from_slice::<wire::Envelope>(answer.bytes());
        let complaint = envelope
            .ok()
            .and_then(|envelope| envelope.errors.into_iter().next())
            .unwrap_or_default();
        let message = match complaint.message.is_empty() {
            true => self.caller.message_of(answer, |_: Value| String::new()),
            false => complaint.message,
        };
        let report = self.caller.report(answer, &message);
        match (complaint.extensions.code.as_str(), answer.status) {
            ("UNAUTHENTICATED" | "UNAUTHORIZED", _) => Error::Unauthenticated { report },
            ("FORBIDDEN", _) => Error::Forbidden { report },
            ("RATE_LIMIT_EXCEEDED", _) => {
                let in_body = complaint
                    .extensions
                    .retry_after
                    .filter(|seconds| (0.0..=86_400.0).contains(seconds));
                Error::RateLimited {
                    report,
                    retry_after: answer
                        .not_before(self.caller.clock.now_ms())
                        .or(in_body.map(Duration::from_secs_f64)),
                }
            }
            ("NOT_FOUND", _) => Error::Rejected {
                report,
                field: Some("id".to_owned()),
            },
            ("UNEXPECTED" | "INTERNAL_SERVER_ERROR", _) => self.caller.unreadable(answer, call, &message),
            // Without a code: a query that Buffer finds too complex or wrong.
            (_, 200..=299) => Error::Rejected { report, field: None },
            _ => self.caller.standard(answer, call, &message),
        }
    }

    /// The organisation that has the channel, and the channel.
    pub(super) async fn find_channel(&self) -> Result<(String, wire::Channel)> {
        let accounts: wire::Accounts = self.query(wire::ORGANIZATIONS, json!({})).await?;
        for organization in accounts.account.organizations {
            let channels: wire::Channels = self
                .query(wire::CHANNELS, json!({"i": {"organizationId": organization.id}}))
                .await?;
            if let Some(channel) = channels.channels.into_iter().find(|channel| channel.id == self.channel) {
                *self.organization.write().unwrap_or_else(PoisonError::into_inner) = Some(organization.id.clone());
                return Ok((organization.id, channel));
            }
        }
        Err(config(NETWORK, "the key's account has no such channel"))
    }

    pub(super) async fn organization(&self) -> Result<String> {
        let known = self.organization.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.find_channel().await?.0),
        }
    }
}
