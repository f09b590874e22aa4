//! JSON lines: an object on each line, like the body of `POST /api/products`.

use super::cut::Cut;
use super::product;

pub(super) fn cut(text: &[u8], ended: bool) -> Cut {
    let end = text.iter().position(|&byte| byte == b'\n');
    let (line, bytes) = match end {
        Some(end) => (&text[..end], end + 1),
        None if ended => (text, text.len()),
        None => return Cut::More,
    };
    Cut::Taken(
        bytes,
        match str::from_utf8(line) {
            Ok(_) => product::read(line),
            Err(_) => Err("is not UTF-8".into()),
        },
    )
}
