//! Keywords: which texts a rule means. Whole words, in any letter case; a rule without words must
//! never be made, for it would mean everything.

use serde::{Deserialize, Serialize};

/// The words of a rule: every one of `all` and, unless it is empty, at least one of `any`.
///
/// A keyword of several words matches them next to each other. What is neither letter nor digit
/// separates words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Keywords {
    all: Vec<Phrase>,
    any: Vec<Phrase>,
}

type Phrase = Vec<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    any: Vec<String>,
}

impl TryFrom<Written> for Keywords {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Self::new(&written.all, &written.any)
    }
}

impl Keywords {
    /// Makes keywords; an error, a sentence, where there are none or one has no word in it.
    pub fn new<S: AsRef<str>>(all: &[S], any: &[S]) -> Result<Self, String> {
        if all.is_empty() && any.is_empty() {
            return Err("expected keywords in `all` or `any`, found none".to_owned());
        }
        Ok(Self { all: phrases(all)?, any: phrases(any)? })
    }

    /// Whether the rule means a text with these words.
    pub fn match_words(&self, text: &Words) -> bool {
        self.all.iter().all(|phrase| text.have(phrase))
            && (self.any.is_empty() || self.any.iter().any(|phrase| text.have(phrase)))
    }
}

fn phrases<S: AsRef<str>>(written: &[S]) -> Result<Vec<Phrase>, String> {
    let phrase = |text: &S| match Words::of(text.as_ref()).0 {
        words if words.is_empty() => {
            Err(format!("expected a keyword with a letter or digit, found `{}`", text.as_ref()))
        }
        words => Ok(words),
    };
    written.iter().map(phrase).collect()
}

/// The words of a text, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Takes a text apart.
    pub fn of(text: &str) -> Self {
        let words = text.split(|sign: char| !sign.is_alphanumeric());
        Self(words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect())
    }

    fn have(&self, phrase: &[String]) -> bool {
        self.0.windows(phrase.len()).any(|words| words == phrase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_match_in_any_case() {
        let check = |all: &[&str], any: &[&str], text: &str, matches: bool| {
            let keywords = Keywords::new(all, any).expect("words");
            assert_eq!(keywords.match_words(&Words::of(text)), matches, "{all:?} {any:?} {text}");
        };
        check(&["sale"], &[], "Summer SALE, today", true);
        check(&["sale"], &[], "wholesale", false);
        check(&["black friday"], &[], "Black-Friday begins", true);
        check(&["black friday"], &[], "friday is black", false);
        check(&["outage", "zone"], &[], "an outage", false);
        check(&["outage"], &["east", "west"], "outage in the West", true);
        check(&["outage"], &["east", "west"], "outage in the north", false);
        check(&["über"], &[], "ÜBER alles", true);
        check(&["a"], &[], "", false);
    }

    #[test]
    fn keywords_without_words_are_refused() {
        let check = |text: &str, part: &str| {
            let error = serde_json::from_str::<Keywords>(text).expect_err(text).to_string();
            assert!(error.contains(part), "expected {part:?} in {error:?}");
        };
        check("{}", "expected keywords in `all` or `any`, found none");
        check(r#"{"all": ["--"]}"#, "found `--`");
        check(r#"{"none": ["a"]}"#, "unknown field `none`");
    }
}
