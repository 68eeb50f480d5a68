//! Conditions on the present value, and the commands that are nothing but a condition: DELEX,
//! DELIFEQ, DIGEST.
//!
//! A value is compared by its bytes or by their digest: XXH3 with 64 bits, written as 16
//! hexadecimal digits, so that a client can hold a short witness of a long value.

use super::{DEL, logged};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, key, one_of, string,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::Entry;

/// What must hold of the present value before a command changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    /// The key does not exist.
    Missing,
    /// The key exists.
    Exists,
    /// The value is these bytes.
    Equal(&'a [u8]),
    /// The key does not exist or its value differs from these bytes.
    NotEqual(&'a [u8]),
    /// The value has this digest.
    DigestEqual(Digest),
    /// The key does not exist or its value has another digest than this.
    DigestNotEqual(Digest),
}

/// A digest that a client gave; `None` where its 16 characters are no number, so that nothing has
/// it.
type Digest = Option<u64>;

const DIGEST_LEN: usize = 16;
const DIGEST_FORM: CmdError = CmdError::fixed("ERR must be exactly 16 hexadecimal characters");

impl<'a> Condition<'a> {
    /// The comparison at an index, two words long.
    pub(super) fn parse(args: Args<'a>, index: usize) -> Result<Option<Condition<'a>>, CmdError> {
        let Some(operand) = args.get(index + 1) else { return Ok(None) };
        let condition = match () {
            () if args.is(index, "IFEQ") => Condition::Equal(operand),
            () if args.is(index, "IFNE") => Condition::NotEqual(operand),
            () if args.is(index, "IFDEQ") => Condition::DigestEqual(parse_digest(operand)?),
            () if args.is(index, "IFDNE") => Condition::DigestNotEqual(parse_digest(operand)?),
            () => return Ok(None),
        };
        Ok(Some(condition))
    }

    /// Whether the condition holds of an entry. A comparison with a value that is no string is an
    /// error.
    pub(super) fn holds(self, entry: Option<&Entry>) -> Result<bool, CmdError> {
        let is = |bytes: &[u8]| text_test(entry, |text| text == bytes);
        let has = |digest: Digest| text_test(entry, |text| digest == Some(stdx::xxh3_64(text)));
        Ok(match self {
            Condition::Missing => entry.is_none(),
            Condition::Exists => entry.is_some(),
            Condition::Equal(bytes) => is(bytes)?,
            Condition::NotEqual(bytes) => !is(bytes)?,
            Condition::DigestEqual(digest) => has(digest)?,
            Condition::DigestNotEqual(digest) => !has(digest)?,
        })
    }
}

/// Whether there is a string that passes a test.
fn text_test(entry: Option<&Entry>, test: impl FnOnce(&[u8]) -> bool) -> Result<bool, CmdError> {
    let Some(entry) = entry else { return Ok(false) };
    let value = entry.as_str().ok_or(error::WRONG_TYPE)?;
    Ok(test(&value.text()))
}

fn parse_digest(text: &[u8]) -> Result<Digest, CmdError> {
    if text.len() != DIGEST_LEN {
        return Err(DIGEST_FORM);
    }
    let mut digits = text.iter().map(|&byte| char::from(byte).to_digit(16));
    Ok(digits.try_fold(0, |digest, digit| Some(digest << 4 | u64::from(digit?))))
}

const IF_EQUAL: Arg = string("ifeq-value").token("IFEQ");
const IF_NOT_EQUAL: Arg = string("ifne-value").token("IFNE");
const IF_DIGEST_EQUAL: Arg = string("ifdeq-digest").token("IFDEQ");
const IF_DIGEST_NOT_EQUAL: Arg = string("ifdne-digest").token("IFDNE");

/// The grammar of the comparisons.
pub(super) const COMPARISONS: [Arg; 4] =
    [IF_EQUAL, IF_NOT_EQUAL, IF_DIGEST_EQUAL, IF_DIGEST_NOT_EQUAL];

pub(super) const COMMANDS: &[Command] = &[
    command("DELEX", delex)
        .summary("Deletes a key if its value, or the digest of its value, compares as asked.")
        .since("8.4.0")
        .group("string")
        .complexity("O(1) by value, O(N) by digest where N is the length of the value")
        .flags(Flags::WRITE.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::DELETE).or(KeyFlags::VARIABLE))])
        .refine_keys(delex_flags)
        .args(&[key("key"), one_of("condition", &COMPARISONS).optional()]),
    command("DELIFEQ", delifeq)
        .summary("Deletes a key if its value equals a string.")
        .since("9.0.0")
        .group("string")
        .complexity("O(1)")
        .flags(Flags::WRITE.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RM.or(KeyFlags::DELETE))])
        .args(&[key("key"), string("value")]),
    command("DIGEST", digest)
        .summary("Returns the digest of a string value as hexadecimal digits.")
        .since("8.4.0")
        .group("string")
        .complexity("O(N) where N is the length of the value")
        .flags(Flags::READONLY.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS))])
        .args(&[key("key")]),
];

const UNKNOWN_CONDITION: CmdError =
    CmdError::fixed("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
const NOT_A_STRING: CmdError =
    CmdError::fixed("ERR Key should be of string type if conditions are specified");

/// A condition reads the value.
fn delex_flags(args: Args<'_>) -> KeyFlags {
    if args.len() > 2 {
        return KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE);
    }
    KeyFlags::RM.or(KeyFlags::DELETE)
}

fn delex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let condition = match args.len() {
        2 => Condition::Exists,
        4 => Condition::parse(args, 2)?.ok_or(UNKNOWN_CONDITION)?,
        _ => return Err(error::wrong_arity("delex")),
    };
    delete_if(cx, args.at(1), condition, NOT_A_STRING)
}

fn delifeq(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    delete_if(cx, args.at(1), Condition::Equal(args.at(2)), error::WRONG_TYPE)
}

/// Deletes an existing key of which the condition holds, and says so.
fn delete_if(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    condition: Condition<'_>,
    wrong_type: CmdError,
) -> CmdResult {
    let mut edit = cx.db.edit(key);
    if !edit.exists() || !condition.holds(edit.entry()).map_err(|_| wrong_type)? {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    }
    edit.remove();
    edit.commit(DEL);
    cx.db.rewrite(|| vec![logged(&[b"DEL", key])]);
    cx.reply.integer(1);
    Ok(Outcome::Done)
}

fn digest(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match cx.db.read_str(args.at(1))? {
        Some(value) => cx.reply.bulk(&digest_text(stdx::xxh3_64(&value.text()))),
        None => cx.reply.null(),
    }
    Ok(Outcome::Done)
}

fn digest_text(digest: u64) -> [u8; DIGEST_LEN] {
    std::array::from_fn(|i| b"0123456789abcdef"[(digest >> (60 - 4 * i) & 0xf) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_read_back_in_either_case() {
        for digest in [0, 1, 0x0000_6c38_adf3_1777, u64::MAX, stdx::xxh3_64(b"Hello world")] {
            let text = digest_text(digest);
            assert_eq!(parse_digest(&text), Ok(Some(digest)));
            assert_eq!(parse_digest(&text.to_ascii_uppercase()), Ok(Some(digest)));
        }
        assert_eq!(&digest_text(stdx::xxh3_64(b"Hello world")), b"b6acb9d84a38ff74");
        assert_eq!(parse_digest(b"0123456789abcdeg"), Ok(None));
        assert_eq!(parse_digest(b"123"), Err(DIGEST_FORM));
        assert_eq!(parse_digest(b"00123456789abcdef"), Err(DIGEST_FORM));
    }
}
