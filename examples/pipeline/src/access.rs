//! Who may do what a visitor may not.

/// Fewest characters of a secret that is worth comparing.
const SHORTEST: usize = 16;

/// Whether the header `Authorization` carries `secret` as a bearer token. The time it takes does not tell how much of it is
/// right; a secret of less than 16 characters lets nobody in.
#[must_use]
pub fn bearer(authorization: Option<&str>, secret: &str) -> bool {
    let given = authorization.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    let given = given.unwrap_or_default();
    let differ = given
        .bytes()
        .zip(secret.bytes())
        .fold(0, |differ, (a, b)| differ | std::hint::black_box(a ^ b));
    secret.len() >= SHORTEST && given.len() == secret.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_opens() {
        let secret = "0123456789abcdef";
        assert!(bearer(Some("Bearer 0123456789abcdef"), secret));
        assert!(bearer(Some("bearer 0123456789abcdef"), secret));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcdeg",
            "Bearer 0123456789abcdef0",
            "Basic 0123456789abcdef",
            secret,
        ] {
            assert!(!bearer(Some(wrong), secret), "{wrong}");
        }
        assert!(!bearer(None, secret));
        assert!(!bearer(Some("Bearer "), ""));
        assert!(!bearer(Some("Bearer short"), "short"));
    }
}
