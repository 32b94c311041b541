//! GraphQL over HTTP, and its errors ([error handling](https://developers.buffer.com/guides/error-handling.html)).

use std::{sync::PoisonError, time::Duration};

use serde_json::{Value, json};

use super::{Buffer, NETWORK, wire};
use crate::{
    Error, Result,
    http::{Answer, Call, Pending, Request, config, list, text},
};

impl Buffer {
    /// Asks what may be asked again; the answer has all that `needs` points at.
    pub(super) fn query<'a>(&'a self, query: &'a str, variables: Value, needs: &'a [&'a str]) -> Pending<'a, Value> {
        Box::pin(async move {
            let (data, _) = self.exchange(query, variables, Call::Repeatable, needs).await?;
            Ok(data)
        })
    }

    /// What an answer holds besides errors.
    pub(super) fn exchange<'a>(
        &'a self,
        query: &'a str,
        variables: Value,
        call: Call,
        needs: &'a [&'a str],
    ) -> Pending<'a, (Value, Answer)> {
        Box::pin(async move {
            let request = Request::new("POST", [&self.url, "/"].concat());
            let body = json!({"query": query, "variables": variables});
            let request = request.bearer(self.key.expose()).json(&body);
            let answer = self.caller.send(request, call).await?;
            if !answer.is_success() {
                return Err(self.refused(&answer, call));
            }
            let mut envelope = self.caller.decode(&answer, call, &[])?;
            let fields = envelope["data"].as_object();
            if !fields.is_some_and(|fields| fields.values().all(|part| !part.is_null())) {
                return Err(match list(&envelope["errors"]) {
                    [] => self
                        .caller
                        .unreadable(&answer, call, "the answer has neither the data nor an error"),
                    _ => self.refused(&answer, call),
                });
            }
            self.caller.whole(&answer, call, &envelope, needs)?;
            Ok((envelope["data"].take(), answer))
        })
    }

    /// Errors arrive with a status of their own and inside a 200.
    fn refused(&self, answer: &Answer, call: Call) -> Error {
        let envelope = answer.json();
        let complaint = &envelope["errors"][0];
        let extensions = &complaint["extensions"];
        let message = self.caller.message_of(answer, text(complaint, "message"));
        let report = self.caller.report(answer, &message);
        match (extensions["code"].as_str().unwrap_or_default(), answer.status) {
            ("UNAUTHENTICATED" | "UNAUTHORIZED", _) => Error::Unauthenticated { report },
            ("FORBIDDEN", _) => Error::Forbidden { report },
            ("RATE_LIMIT_EXCEEDED", _) => {
                // Seconds, in answers of an older form.
                let in_body = extensions["retryAfter"].as_f64();
                let in_body = in_body.filter(|seconds| (0.0..=86_400.0).contains(seconds));
                Error::RateLimited {
                    report,
                    retry_after: answer
                        .not_before(self.caller.clock.now_ms())
                        .or(in_body.map(|seconds| Duration::from_millis((seconds * 1_000.0) as u64))),
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
    pub(super) fn find_channel(&self) -> Pending<'_, (String, Value)> {
        Box::pin(async move {
            let accounts = self.query(wire::ORGANIZATIONS, json!({}), &[]).await?;
            for organization in self.caller.items(&accounts["account"]["organizations"], &["id"])? {
                let id = text(organization, "id");
                let channels = self
                    .query(wire::CHANNELS, json!({"i": {"organizationId": id}}), &[])
                    .await?;
                let channels = self.caller.items(&channels["channels"], &["id"])?;
                if let Some(channel) = channels.iter().find(|channel| channel["id"] == *self.channel) {
                    *self.organization.write().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
                    return Ok((id, channel.clone()));
                }
            }
            Err(config(NETWORK, "the key's account has no such channel"))
        })
    }

    pub(super) async fn organization(&self) -> Result<String> {
        let known = self.organization.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.find_channel().await?.0),
        }
    }
}
