//! Showing which words of a text matched.

/// HTML that says nothing but which words matched: the text is escaped first, and only then do marks become tags.
pub(super) fn highlight(excerpt: &str) -> String {
    let (mut html, mut marked) = (String::with_capacity(excerpt.len() + 32), false);
    for character in excerpt.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Marks that a product's own text brought along open and close nothing twice.
            START | STOP if marked == (character == START) => {}
            START => {
                html.push_str("<mark>");
                marked = true;
            }
            STOP => {
                html.push_str("</mark>");
                marked = false;
            }
            _ => html.push(character),
        }
    }
    if marked {
        html.push_str("</mark>");
    }
    html
}

/// `chr(2)` and `chr(3)` of the statement.
const START: char = '\u{2}';
const STOP: char = '\u{3}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_highlight_holds_no_tags_but_its_own() {
        let text = "<script>alert('\u{2}oak\u{3}')</script> & \"\u{2}<b>\u{3}\"";
        assert_eq!(
            highlight(text),
            "&lt;script&gt;alert(&#39;<mark>oak</mark>&#39;)&lt;/script&gt; &amp; \
             &quot;<mark>&lt;b&gt;</mark>&quot;"
        );
    }

    #[test]
    fn a_highlight_is_balanced_whatever_the_text_brings_along() {
        for text in ["\u{3}a\u{2}b\u{2}c\u{3}\u{3}", "a\u{2}b", "\u{3}\u{3}", "\u{2}\u{2}"] {
            let html = highlight(text);
            assert_eq!(html.matches("<mark>").count(), html.matches("</mark>").count(), "{html}");
        }
        assert_eq!(highlight("\u{3}a\u{2}b\u{2}c\u{3}\u{3}"), "a<mark>bc</mark>");
    }
}
