//! Reading replies: RESP2, as much of it as scripts answer with.
//!
//! The crate's own parser can go on after any byte, and pays for it with boxes: 10,000 instructions for the reply to a
//! cached product, where this takes 1,000. It still reads what is rare.

use std::ops::Range;

use redis::{RedisError, RedisResult, Value};

/// Scripts answer with lists of values, and some with lists of lists.
const DEEPEST: usize = 8;

/// What the beginning of a buffer holds.
pub(super) enum Parsed {
    /// A reply, and where it ends.
    Whole(Value, usize),
    /// Part of one. There is no use in looking again before there are so many bytes.
    Needs(usize),
}

/// Reads the reply that begins at `start`.
///
/// # Errors
/// When that is not a reply.
pub(super) fn parse(bytes: &[u8], start: usize) -> RedisResult<Parsed> {
    value(bytes, start, DEEPEST)
}

fn value(bytes: &[u8], start: usize, depth: usize) -> RedisResult<Parsed> {
    let Some(line) = line(bytes, start) else { return Ok(Parsed::Needs(bytes.len() + 1)) };
    let end = line.end + 2;
    let (kind, text) =
        bytes[line].split_first().ok_or_else(|| nonsense("a reply begins with an empty line"))?;
    match kind {
        b':' => Ok(Parsed::Whole(Value::Int(number(text)?), end)),
        b'$' => match usize::try_from(number(text)?) {
            Ok(length) if length <= MOST_BYTES => Ok(bulk(bytes, end..end + length)),
            Ok(_) => Err(nonsense("a reply is longer than Redis makes any")),
            // -1 is how RESP2 says nil.
            Err(_) => Ok(Parsed::Whole(Value::Nil, end)),
        },
        b'*' => match usize::try_from(number(text)?) {
            Ok(_) if depth == 0 => Err(nonsense("a reply is nested too deeply")),
            Ok(length) => list(bytes, end, length, depth),
            Err(_) => Ok(Parsed::Whole(Value::Nil, end)),
        },
        _ => Ok(Parsed::Whole(redis::parse_redis_value(&bytes[start..end])?, end)),
    }
}

/// Redis' own limit for one string.
const MOST_BYTES: usize = 512 * 1024 * 1024;

fn bulk(bytes: &[u8], content: Range<usize>) -> Parsed {
    let end = content.end + 2;
    match bytes.get(content) {
        Some(content) if bytes.len() >= end => Parsed::Whole(Value::BulkString(content.to_vec()), end),
        _ => Parsed::Needs(end),
    }
}

fn list(bytes: &[u8], start: usize, length: usize, depth: usize) -> RedisResult<Parsed> {
    // Whoever claims a long list has to send it before room is made.
    let (mut values, mut at) = (Vec::with_capacity(length.min(64)), start);
    for _ in 0..length {
        match value(bytes, at, depth - 1)? {
            Parsed::Whole(value, end) => {
                values.push(value);
                at = end;
            }
            needs @ Parsed::Needs(_) => return Ok(needs),
        }
    }
    Ok(Parsed::Whole(Value::Array(values), at))
}

/// The line that begins at `start`, without its end.
fn line(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = bytes.get(start..)?;
    let length = rest.windows(2).position(|end| end == b"\r\n")?;
    Some(start..start + length)
}

fn number(text: &[u8]) -> RedisResult<i64> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| nonsense("a reply has no number where one belongs"))
}

fn nonsense(what: &'static str) -> RedisError {
    (redis::ErrorKind::Parse, what).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REPLY: &[u8] = b"*5\r\n:1\r\n$5\r\na\r\nbc\r\n$-1\r\n*2\r\n:-7\r\n$0\r\n\r\n+OK\r\n";

    fn whole(bytes: &[u8]) -> Option<(Value, usize)> {
        match parse(bytes, 0).expect("a reply") {
            Parsed::Whole(value, end) => Some((value, end)),
            Parsed::Needs(length) => {
                assert!(length > bytes.len(), "it asks for what is not there");
                None
            }
        }
    }

    #[test]
    fn it_reads_what_scripts_answer_as_the_crate_does() {
        let replies =
            ["$-1\r\n", "*-1\r\n", "*0\r\n", "-NOSCRIPT No matching script.\r\n", "-ERR\r\n", ":0\r\n"];
        for reply in replies.iter().map(|reply| reply.as_bytes()).chain([REPLY]) {
            let expected = redis::parse_redis_value(reply).expect("a reply");
            assert_eq!(whole(reply), Some((expected, reply.len())), "{}", String::from_utf8_lossy(reply));
        }
    }

    #[test]
    fn a_reply_that_is_not_all_there_yet_is_waited_for_wherever_it_breaks_off() {
        for length in 0..REPLY.len() {
            assert_eq!(whole(&REPLY[..length]), None, "{length} bytes");
        }
        let with_more = [REPLY, b":1\r\n"].concat();
        assert_eq!(whole(&with_more).map(|(_, end)| end), Some(REPLY.len()));
    }

    #[test]
    fn nonsense_is_refused() {
        let deep = b"*1\r\n".repeat(DEEPEST + 1);
        for nonsense in
            [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"\r\n", b":x\r\n", b"$9999999999\r\n", b"*\r\n", &deep]
        {
            assert!(parse(nonsense, 0).is_err(), "{}", String::from_utf8_lossy(nonsense));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"*$:+-01289\r\n".to_vec()), 0..60)) {
            let _ = parse(&bytes, 0);
        }
    }
}
