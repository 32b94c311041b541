//! Calls with a token that is renewed when the network refuses it.

use reqwest::RequestBuilder;

use super::{Answer, Call, Caller, LATEST_SEND};
use crate::{
    Error, Result,
    tokens::{Refresh, Rotating},
};

impl Caller {
    /// Makes one call with the account's token in its header, where no log of addresses shows it. A token that the
    /// network refuses is renewed once and the call made again; the refused call did nothing. `refused` says what a
    /// status other than success means.
    pub(crate) async fn send_renewing(
        &self,
        tokens: &Rotating,
        by: &dyn Refresh,
        request: RequestBuilder,
        call: Call,
        refused: impl Fn(&Answer) -> Error,
    ) -> Result<Answer> {
        let mut again = request.try_clone();
        let mut next = Some(request);
        let mut dead = None;
        let began_ms = self.clock.now_ms();
        loop {
            let token = tokens.access(dead.as_ref(), by).await?.access;
            if call == Call::Publish {
                self.in_time(began_ms, LATEST_SEND)?;
            }
            self.hide(token.expose());
            let Some(request) = next.take().or_else(|| again.take()) else {
                return Err(Error::Unauthenticated {
                    report: self.note("the token was refused"),
                });
            };
            let answer = self.send(request.bearer_auth(token.expose()), call).await?;
            if answer.is_success() {
                return Ok(answer);
            }
            match refused(&answer) {
                Error::Unauthenticated { .. } if again.is_some() => dead = Some(token),
                error => return Err(error),
            }
        }
    }
}
