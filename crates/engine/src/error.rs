//! Errors of commands: small values that become error replies.

use std::borrow::Cow;

/// An error reply without the leading minus: a code word, a space, a text. Bytes, since it may
/// quote what the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmdError(Cow<'static, [u8]>);

/// Most bytes of a word that errors about unknown commands and subcommands quote.
pub const QUOTED_SHORT_MAX: usize = 128;

impl CmdError {
    /// A fixed text.
    pub const fn fixed(text: &'static str) -> CmdError {
        CmdError(Cow::Borrowed(text.as_bytes()))
    }

    /// A text made for the occasion.
    pub fn text(text: String) -> CmdError {
        CmdError::bytes(text.into_bytes())
    }

    /// The same where it is no UTF-8.
    pub const fn bytes(text: Vec<u8>) -> CmdError {
        CmdError(Cow::Owned(text))
    }

    /// A text around a word of the client's, which is quoted up to its first NUL.
    pub fn quoting(before: &str, word: &[u8], after: &str) -> CmdError {
        CmdError::bytes([before.as_bytes(), until_nul(word), after.as_bytes()].concat())
    }

    /// The same, quoting at most [`QUOTED_SHORT_MAX`] bytes.
    pub fn quoting_short(before: &str, word: &[u8], after: &str) -> CmdError {
        CmdError::quoting(before, &word[..word.len().min(QUOTED_SHORT_MAX)], after)
    }

    /// The reply's text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The reply's text, for people.
    pub fn as_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The code word, as the error statistics count it.
    pub fn code(&self) -> &str {
        let word = self.0.split(|byte| *byte == b' ').next().unwrap_or_default();
        std::str::from_utf8(word).unwrap_or_default()
    }
}

/// A word up to its first NUL, which is where error messages end it.
pub fn until_nul(word: &[u8]) -> &[u8] {
    word.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// An argument is not what the grammar asks for.
pub const SYNTAX: CmdError = CmdError::fixed("ERR syntax error");
/// An argument or value is no 64-bit integer.
pub const NOT_INTEGER: CmdError = CmdError::fixed("ERR value is not an integer or out of range");
/// The time of a blocking command is no number.
pub const TIMEOUT_NO_FLOAT: CmdError =
    CmdError::fixed("ERR timeout is not a float or out of range");
/// The time of a blocking command is negative.
pub const TIMEOUT_NEGATIVE: CmdError = CmdError::fixed("ERR timeout is negative");
/// The time of a blocking command ends after all times.
pub const TIMEOUT_RANGE: CmdError = CmdError::fixed("ERR timeout is out of range");
/// An argument or value is no floating-point number.
pub const NOT_FLOAT: CmdError = CmdError::fixed("ERR value is not a valid float");
/// The key holds a value of another type.
pub const WRONG_TYPE: CmdError =
    CmdError::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
/// The key does not exist and must.
pub const NO_SUCH_KEY: CmdError = CmdError::fixed("ERR no such key");
/// A number must not be negative.
pub const MUST_BE_POSITIVE: CmdError =
    CmdError::fixed("ERR value is out of range, must be positive");
/// A database number is out of range.
pub const DB_RANGE: CmdError = CmdError::fixed("ERR DB index is out of range");
/// Source and destination are the same.
pub const SAME_OBJECT: CmdError =
    CmdError::fixed("ERR source and destination objects are the same");
/// The session is not authenticated.
pub const NO_AUTH: CmdError = CmdError::fixed("NOAUTH Authentication required.");

/// The error for an expiry that cannot be represented.
pub fn invalid_expire(command: &str) -> CmdError {
    CmdError::text(format!("ERR invalid expire time in '{command}' command"))
}

/// The error for a call with the wrong number of words.
pub fn wrong_arity(command: &str) -> CmdError {
    CmdError::text(format!("ERR wrong number of arguments for '{command}' command"))
}
