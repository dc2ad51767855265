//! What proves who is asking.
//!
//! A signature is HMAC-SHA256 in hexadecimal digits, with SHA-256 of the secret as key, over five lines without a
//! newline behind the last: timestamp in milliseconds since 1970, nonce, method, target as it stands in the request,
//! SHA-256 of the body in lower-case hexadecimal digits.

use super::key::Key;
use super::replay::Use;
use super::{Admission, Now, Reason, Refused};
use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

const NONCE_BYTES: usize = 64;

/// What a request brings to prove who it is, as it stands in its headers, and what a signature covers.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// `Bearer <key id>.<secret>`.
    pub authorization: Option<&'a str>,
    /// The name of the key that signed.
    pub key: Option<&'a str>,
    /// When it was signed, in milliseconds since 1970.
    pub timestamp: Option<&'a str>,
    /// Something that the key signs once.
    pub nonce: Option<&'a str>,
    /// 64 hexadecimal digits.
    pub signature: Option<&'a str>,
    /// The request's method.
    pub method: &'a str,
    /// Path and query as they stand in the request.
    pub target: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// Without what proves anything.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key", &self.key).field("method", &self.method).finish_non_exhaustive()
    }
}

/// What a signature consists of, in its form.
pub(super) struct Signed<'a> {
    timestamp: &'a str,
    nonce: &'a str,
    signature: [u8; 32],
}

impl Admission {
    /// Finds out whose request it is.
    pub(super) fn identify(&self, credentials: &Credentials<'_>, now: Now) -> Result<Arc<Key>, Refused> {
        let (key, signed) = self.look_up(credentials, now)?;
        if let Some(signed) = signed {
            self.check_signature(&key, &signed, credentials, now)?;
        }
        Ok(key)
    }

    /// Finds out whose request it would be, without its body: a token proves it, a signature is still to be checked.
    pub(super) fn look_up<'a>(
        &self,
        credentials: &Credentials<'a>,
        now: Now,
    ) -> Result<(Arc<Key>, Option<Signed<'a>>), Refused> {
        let keys = self.keys.load();
        let invalid = Refused::new(Reason::InvalidKey, "no such key, or not its secret");
        let (id, token) = match (credentials.key, credentials.authorization) {
            (Some(id), _) => (id, None),
            (None, Some(text)) => {
                let token = bearer(text).ok_or(Refused::new(Reason::MissingCredentials, MISSING))?;
                let (id, secret) = token.split_once('.').ok_or(invalid)?;
                (id, Some(secret))
            }
            (None, None) => return Err(Refused::new(Reason::MissingCredentials, MISSING)),
        };
        let key = keys.get(id).ok_or(invalid)?;
        if !key.is_alive(now.unix_ms) {
            return Err(Refused::new(Reason::InvalidKey, "the key has expired"));
        }
        let signed = match token {
            None => Some(self.signed(credentials, now)?),
            Some(secret) if key.is_secret(secret.as_bytes(), now.unix_ms) => None,
            Some(_) => return Err(invalid),
        };
        Ok((Arc::clone(key), signed))
    }

    fn signed<'a>(&self, credentials: &Credentials<'a>, now: Now) -> Result<Signed<'a>, Refused> {
        let malformed = |detail| Refused::new(Reason::InvalidSignature, detail);
        let timestamp = credentials.timestamp.ok_or(malformed("the timestamp is missing"))?;
        let nonce = credentials.nonce.ok_or(malformed("the nonce is missing"))?;
        let signature = credentials.signature.ok_or(malformed("the signature is missing"))?;
        if nonce.is_empty() || nonce.len() > NONCE_BYTES || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed("the nonce is not 1 to 64 visible ASCII characters"));
        }
        self.check_timestamp(timestamp, now)?;
        let signature = from_hex(signature).ok_or(malformed("the signature is not 64 hexadecimal digits"))?;
        Ok(Signed { timestamp, nonce, signature })
    }

    fn check_signature(
        &self,
        key: &Key,
        signed: &Signed<'_>,
        credentials: &Credentials<'_>,
        now: Now,
    ) -> Result<(), Refused> {
        let body = to_hex(Sha256::digest(credentials.body).into());
        let (timestamp, nonce, method) =
            (signed.timestamp.as_bytes(), signed.nonce.as_bytes(), credentials.method.as_bytes());
        let parts = [timestamp, b"\n", nonce, b"\n", method, b"\n", credentials.target, b"\n", body.as_slice()];
        if !key.is_signed(&parts, &signed.signature, now.unix_ms) {
            let detail = "the signature does not fit the request and the key";
            return Err(Refused::new(Reason::InvalidSignature, detail));
        }
        match self.nonces.use_up(self.nonce_keys.hash_one((key.id(), signed.nonce)), now.monotonic_ns) {
            Use::Fresh => Ok(()),
            Use::Used => Err(Refused::new(Reason::ReplayedNonce, "the nonce was used before")),
            Use::Full => Err(Refused::new(Reason::RateLimited, "more signed requests than nonces can be remembered")),
        }
    }

    fn check_timestamp(&self, timestamp: &str, now: Now) -> Result<(), Refused> {
        let expired = |detail| Refused::new(Reason::ExpiredTimestamp, detail);
        let is_number = timestamp.len() <= 16 && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let signed_ms = timestamp.parse::<u64>().ok().filter(|_| is_number);
        let signed_ms = signed_ms.ok_or(expired("the timestamp is no number of milliseconds since 1970"))?;
        if signed_ms + self.options.window_ms < now.unix_ms {
            return Err(expired("the timestamp is too old"));
        }
        if signed_ms > now.unix_ms + self.options.ahead_ms {
            return Err(expired("the timestamp is in the future"));
        }
        if signed_ms <= self.options.not_before_ms {
            return Err(expired("the timestamp is from before the server began; sign it again"));
        }
        Ok(())
    }
}

const MISSING: &str = "this needs a bearer token or a signed request";

/// The token of an Authorization header; the scheme's name may be written in any case.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn to_hex(bytes: [u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|place| {
        let byte = bytes[place / 2];
        DIGITS[usize::from(if place % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}

/// Reads 64 hexadecimal digits of either case.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}
