//! Who calls: OAuth 2.0 tokens that rotate, or the signatures of OAuth 1.0a.

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{NETWORK, X};
use crate::{
    AccessToken, Error, Report, Result, TokenSet,
    http::{Request, carriable, config, percent_encoded},
    tokens::{Refresh, Rotating},
};

pub(super) enum Auth {
    OAuth1(OAuth1),
    OAuth2 {
        client_id: String,
        client_secret: Option<AccessToken>,
        tokens: Box<Rotating>,
    },
}

/// Keys of [OAuth 1.0a](https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature).
#[derive(Clone)]
pub(super) struct OAuth1 {
    pub(super) consumer_key: String,
    pub(super) consumer_secret: AccessToken,
    pub(super) token: AccessToken,
    pub(super) token_secret: AccessToken,
}

impl X {
    /// The `Authorization` header of a call, and the token in it when it can be renewed.
    pub(super) async fn authorization(
        &self,
        request: &Request,
        refused: Option<&AccessToken>,
    ) -> Result<(String, Option<AccessToken>)> {
        let (header, token) = match &self.auth {
            Auth::OAuth1(keys) => {
                let nonce = format!("{:032x}", fastrand::u128(..));
                let now = self.caller.clock.now_ms() / 1_000;
                let header = keys.header(request.method, &request.url, &nonce, now);
                (header, None)
            }
            Auth::OAuth2 { tokens, .. } => {
                let tokens = tokens.access(refused, self).await?;
                self.caller.hide_tokens(&tokens);
                let token = tokens.access;
                (format!("Bearer {}", token.expose()), Some(token))
            }
        };
        if !carriable(&header) {
            return Err(config(NETWORK, "the token has characters that no header can carry"));
        }
        Ok((header, token))
    }
}

#[async_trait]
impl Refresh for X {
    /// [Refreshes](https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code) the tokens; X spends the
    /// old refresh token by it.
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet> {
        let Auth::OAuth2 {
            client_id,
            client_secret,
            ..
        } = &self.auth
        else {
            return Err(config(NETWORK, "OAuth 1.0a tokens are not renewed"));
        };
        let Some(refresh) = current.and_then(|current| current.refresh.as_ref()) else {
            return Err(Error::Unauthenticated {
                report: Report::new(NETWORK, "the access token has ended and there is no refresh token"),
            });
        };
        self.caller.hide(refresh.expose());
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let mut request = self.request("POST", "/2/oauth2/token", &[]);
        match client_secret {
            Some(secret) => {
                let pair = STANDARD.encode(format!("{client_id}:{}", secret.expose()));
                self.caller.hide(&pair);
                request = request.header("authorization", &format!("Basic {pair}"));
            }
            None => fields.push(("client_id", client_id)),
        }
        self.caller.renew(request.form(&fields)).await
    }
}

impl OAuth1 {
    /// JSON and multipart bodies are not signed, and there are no others.
    fn header(&self, method: &str, url: &str, nonce: &str, timestamp: i64) -> String {
        let timestamp = timestamp.to_string();
        let mut oauth = vec![
            ("oauth_consumer_key", self.consumer_key.as_str()),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &timestamp),
            ("oauth_token", self.token.expose()),
            ("oauth_version", "1.0"),
        ];
        let signature = self.signature(method, url, &oauth);
        oauth.push(("oauth_signature", &signature));
        let fields = oauth
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", percent_encoded(value)));
        format!("OAuth {}", fields.collect::<Vec<_>>().join(", "))
    }

    /// [RFC 5849, section 3.4](https://www.rfc-editor.org/rfc/rfc5849#section-3.4). The query of `url` is
    /// [encoded](crate::http::address) already.
    fn signature(&self, method: &str, url: &str, parameters: &[(&str, &str)]) -> String {
        let (bare, query) = url.split_once('?').unwrap_or((url, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut encoded: Vec<(String, String)> = parameters
            .iter()
            .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
            .chain(query)
            .collect();
        ascending(&mut encoded);
        let pairs = encoded.iter().map(|(name, value)| format!("{name}={value}"));
        let parameters = pairs.collect::<Vec<_>>().join("&");
        let base = [method, bare, &parameters].map(percent_encoded).join("&");
        let key = [&self.consumer_secret, &self.token_secret].map(|secret| percent_encoded(secret.expose()));
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.join("&").as_bytes()) else {
            return String::new();
        };
        mac.update(base.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// Sorts some ten pairs; the sort of the standard library weighs 4 kB in a Worker.
fn ascending(pairs: &mut [(String, String)]) {
    for end in 1..pairs.len() {
        let mut at = end;
        while at > 0 && pairs[at - 1] > pairs[at] {
            pairs.swap(at - 1, at);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(consumer: &str, consumer_secret: &str, token: &str, token_secret: &str) -> OAuth1 {
        OAuth1 {
            consumer_key: consumer.into(),
            consumer_secret: consumer_secret.into(),
            token: token.into(),
            token_secret: token_secret.into(),
        }
    }

    #[test]
    fn the_example_of_rfc_5849_is_signed_as_published() {
        let keys = keys(
            "dpf43f3p2l4k3l03",
            "kd94hf93k423kf44",
            "nnch734d00sl2jdk",
            "pfkkdhi9sl3r4s00",
        );
        let url = "http://photos.example.net/photos?size=original";
        let parameters = [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
            ("file", "vacation.jpg"),
        ];
        assert_eq!(keys.signature("GET", url, &parameters), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }

    #[test]
    fn the_vendors_example_is_signed_as_published() {
        let keys = keys(
            "xvz1evFS4wEEPTGEFPHBog",
            "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
            "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        );
        // The host of the example has changed since its signature was published; this is the old one.
        let url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true";
        let parameters = [
            ("oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"),
            ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1318622958"),
            ("oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
            ("oauth_version", "1.0"),
            ("status", "Hello Ladies + Gentlemen, a signed OAuth request!"),
        ];
        assert_eq!(keys.signature("POST", url, &parameters), "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
    }

    #[test]
    fn the_header_signs_the_query_and_shows_no_secret() {
        let keys = keys("ck", "c s", "t", "ts&");
        let url = "https://api.x.com/2/users/1/tweets?max_results=10&start_time=2026-01-01T00%3A00%3A00Z";
        let header = keys.header("GET", url, "n", 1);
        let signed = [
            ("oauth_consumer_key", "ck"),
            ("oauth_nonce", "n"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1"),
            ("oauth_token", "t"),
            ("oauth_version", "1.0"),
            ("max_results", "10"),
            ("start_time", "2026-01-01T00:00:00Z"),
        ];
        let signature = percent_encoded(&keys.signature("GET", "https://api.x.com/2/users/1/tweets", &signed));
        let expected = format!(
            "OAuth oauth_consumer_key=\"ck\", oauth_nonce=\"n\", oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1\", \
             oauth_token=\"t\", oauth_version=\"1.0\", oauth_signature=\"{signature}\""
        );
        assert_eq!(header, expected);
    }
}
