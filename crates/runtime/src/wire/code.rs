//! Why something is refused, or a session ended: numbers on the wire, and the slugs that every gateway has for them.

use crate::admission::Reason;

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $number:literal, $slug:literal;)+) => {
        /// A reason, by its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])+ $name = $number,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// Its name, which is the same at every gateway.
            pub fn slug(self) -> &'static str {
                match self {
                    $(Code::$name => $slug,)+
                }
            }
        }
    };
}

codes! {
    /// It has not the form that it must have.
    Malformed = 1, "malformed";
    /// The frame's number is not the one after the last.
    BadSequence = 2, "bad_sequence";
    /// The frame is longer than the server takes.
    FrameTooLarge = 3, "body_too_large";
    /// The first frame is no login.
    Unauthenticated = 4, "unauthenticated";
    /// The login, or the rest of a frame, did not come in time.
    RequestTimeout = 5, "request_timeout";
    /// Nothing came for longer than the heartbeats allow.
    Idle = 6, "idle";
    /// The client does not read what it is sent.
    SlowConsumer = 7, "slow_consumer";
    /// The client logged out.
    LoggedOut = 8, "logged_out";
    /// The server is about to end.
    Draining = 9, "draining";
    /// The exchange has stopped.
    Unavailable = 10, "unavailable";
    /// What is asked for is not kept any more, or not yet there.
    SequenceNotKept = 11, "sequence_not_kept";
    /// The server made a mistake.
    InternalError = 12, "internal_error";
    /// The login has no key.
    MissingCredentials = 20, "missing_credentials";
    /// There is no such key, or it is no longer good.
    InvalidKey = 21, "invalid_key";
    /// The signature is not the key's over this login.
    InvalidSignature = 22, "invalid_signature";
    /// It was signed too long ago, or in the future.
    ExpiredTimestamp = 23, "expired_timestamp";
    /// A login with this nonce came before.
    ReplayedNonce = 24, "replayed_nonce";
    /// The key has not the role that this needs, or it acts for another account.
    NotPermitted = 25, "not_permitted";
    /// Too much in too short a time.
    RateLimited = 26, "rate_limited";
    /// Too many connections.
    TooManyConnections = 27, "too_many_connections";
    /// The kill switch of the account, or of the venue, is on.
    KillSwitch = 28, "kill_switch";
    /// The disk has no room for it (R8).
    Capacity = 29, "capacity";
    /// There is no such account.
    UnknownAccount = 30, "unknown_account";
    /// There is no such instrument, or its book is not published.
    UnknownInstrument = 31, "unknown_instrument";
    /// The session follows this already.
    AlreadySubscribed = 32, "already_subscribed";
    /// The session does not follow this.
    NotSubscribed = 33, "not_subscribed";
    /// The session follows as much as it may.
    TooManySubscriptions = 34, "too_many_subscriptions";
}

impl From<Reason> for Code {
    fn from(reason: Reason) -> Code {
        match reason {
            Reason::MissingCredentials => Code::MissingCredentials,
            Reason::InvalidKey => Code::InvalidKey,
            Reason::InvalidSignature => Code::InvalidSignature,
            Reason::ExpiredTimestamp => Code::ExpiredTimestamp,
            Reason::ReplayedNonce => Code::ReplayedNonce,
            Reason::NotPermitted => Code::NotPermitted,
            Reason::RateLimited => Code::RateLimited,
            Reason::TooManyConnections | Reason::Full => Code::TooManyConnections,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_slugs_are_one_to_one() {
        let numbers: HashSet<u16> = Code::ALL.iter().map(|&code| code as u16).collect();
        let slugs: HashSet<&str> = Code::ALL.iter().map(|code| code.slug()).collect();
        assert_eq!((numbers.len(), slugs.len()), (Code::ALL.len(), Code::ALL.len()));
    }
}
