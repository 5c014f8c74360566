//! Cleaning of foreign text: what strangers wrote must be short, on one line and without signs that
//! change how other text looks.

/// The longest title that is kept, in characters.
pub const TITLE_CHARS: usize = 300;

/// The longest link that is kept, in bytes: what browsers and proxies agree on.
pub const LINK_BYTES: usize = 2_048;

/// The longest identifier that stays as it is, in characters.
const IDENTIFIER_CHARS: usize = 120;

/// `text` on one line, without control and invisible characters, at most `limit` characters; what was
/// cut off is marked by `…`.
pub fn cleaned(text: &str, limit: usize) -> String {
    let mut clean = String::new();
    let mut length = 0;
    let visible = text.chars().map(|sign| if sign.is_whitespace() { ' ' } else { sign });
    for sign in visible.filter(|sign| !is_hidden(*sign)) {
        if sign == ' ' && (clean.is_empty() || clean.ends_with(' ')) {
            continue;
        }
        if length == limit {
            clean.push('…');
            break;
        }
        clean.push(sign);
        length += 1;
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Whether a character is a control or an invisible one: zero width, direction marks and overrides,
/// the byte order mark, tag characters.
fn is_hidden(sign: char) -> bool {
    sign.is_control()
        || matches!(sign,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// `text` cleaned for use in a name. A long one is cut and ends in a hash of the whole, so that two
/// that begin alike stay apart.
pub fn identifier(text: &str) -> String {
    let clean = cleaned(text, usize::MAX);
    if clean.chars().count() <= IDENTIFIER_CHARS {
        return clean;
    }
    let kept: String = clean.chars().take(IDENTIFIER_CHARS - 20).collect();
    format!("{kept}~{:016x}", fnv(text.as_bytes()))
}

/// The 64-bit hash of Fowler, Noll and Vo (FNV-1a, 1991): fixed for ever, so that a name is the same
/// after every restart. It keeps names apart; it protects nothing.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `text` where it is a web address that can be shown as a link.
pub fn link(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let is_web = lower.starts_with("http://") || lower.starts_with("https://");
    let is_plain =
        |sign: char| !sign.is_whitespace() && !is_hidden(sign) && !"<>\"'`\\".contains(sign);
    (is_web && text.len() <= LINK_BYTES && text.chars().all(is_plain)).then(|| text.to_owned())
}

/// `text` without tags of HTML. Not a sanitiser for browsers: what comes out is shown as text.
pub fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut inside = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let begins_tag = |next: &char| next.is_ascii_alphabetic() || "/!?".contains(*next);
        match sign {
            '<' if signs.peek().is_some_and(begins_tag) => inside = true,
            '>' if inside => {
                inside = false;
                plain.push(' ');
            }
            _ if inside => {}
            _ => plain.push(sign),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned() {
        let check = |text: &str, limit: usize, clean: &str| assert_eq!(cleaned(text, limit), clean);
        check("  two\r\n\twords ", 99, "two words");
        check("a\u{0}b\u{1b}[31m\u{202e}c\u{200b}", 99, "ab[31mc");
        check("abcdef", 3, "abc…");
        check("abc", 3, "abc");
        check("größe", 4, "größ…");
        check("\u{7}", 3, "");
    }

    #[test]
    fn long_identifiers_stay_apart() {
        let (a, b) = (identifier(&("x".repeat(500) + "a")), identifier(&("x".repeat(500) + "b")));
        assert_ne!(a, b);
        assert!(a.chars().count() <= IDENTIFIER_CHARS);
        assert_eq!(identifier("short"), "short");
    }

    #[test]
    fn only_web_addresses_are_links() {
        let check = |text: &str, is_link: bool| assert_eq!(link(text).is_some(), is_link, "{text}");
        check("https://news.example/a?b=c#d", true);
        check(" HTTP://news.example ", true);
        check("javascript:alert(1)", false);
        check("https://news.example/<script>", false);
        check("https://news.example/a b", false);
        check(&format!("https://news.example/{}", "a".repeat(LINK_BYTES)), false);
    }

    #[test]
    fn tags_are_dropped() {
        assert_eq!(without_tags("<p>Big <b>sale</b></p>"), " Big  sale  ");
        assert_eq!(without_tags("open <unclosed"), "open ");
        assert_eq!(without_tags("1 > 0, 0 < 1 <"), "1 > 0, 0 < 1 <");
    }
}
