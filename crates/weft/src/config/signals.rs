//! The sources of outside events that a configuration names, all kinds as one list. No two may have the same name:
//! it is the first part of their events' names.

use std::collections::BTreeSet;
use std::path::Path;

use weft_collect::calendar::CalendarSource;
use weft_collect::campaign::CampaignSource;
use weft_collect::news::NewsSource;
use weft_collect::signal::source::SignalSource;

/// More sources than this are a mistake: each has a thread of its own.
const MOST: usize = 64;

/// The sources with their paths counted from `folder`. An error is a sentence.
pub(crate) fn joined(
    calendars: Vec<CalendarSource>,
    campaigns: Vec<CampaignSource>,
    feeds: Vec<NewsSource>,
    folder: &Path,
) -> Result<Vec<SignalSource>, String> {
    let calendars = calendars.into_iter().map(SignalSource::Calendar);
    let campaigns = campaigns.into_iter().map(SignalSource::Campaigns);
    let feeds = feeds.into_iter().map(SignalSource::Feed);
    let all = calendars.chain(campaigns).chain(feeds);
    let all: Vec<SignalSource> = all.map(|source| source.within(folder)).collect();
    if all.len() > MOST {
        let found = all.len();
        let sources = "[[calendars]], [[campaigns]] and [[feeds]]";
        return Err(format!("{sources}: expected at most {MOST} together, found {found}"));
    }
    let mut names = BTreeSet::new();
    match all.iter().find(|source| !names.insert(source.name())) {
        None => Ok(all),
        Some(second) => {
            let (kind, name) = (second.kind(), second.name());
            Err(format!(
                "{kind} `{name}`: expected every source to have a name of its own, found this one twice"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use weft_core::time::Span;

    const HEAD: &str = "[simulated]\naddress = \"http://127.0.0.1:1\"\n";

    fn parsed(text: &str) -> anyhow::Result<Config> {
        Config::parse("/etc/weft/weft.toml".as_ref(), &format!("{HEAD}{text}"))
    }

    #[test]
    fn sources_count_from_the_files_folder() {
        let text = "[[calendars]]\nname = \"team\"\npath = \"team.ics\"\nconcerns = {}\n\
            [[campaigns]]\nname = \"sales\"\nurl = \"https://sales.example/c.csv?key=x\"\nevery = \"1h\"\n";
        let config = parsed(text).expect("a sound file");
        let [team, sales] = &config.signals[..] else { panic!("two sources") };
        assert_eq!((team.kind(), team.origin().shown()), ("calendar", "/etc/weft/team.ics".into()));
        assert_eq!((team.is_trusted(), team.every()), (true, Span::from_minutes(1)));
        assert_eq!((sales.name(), sales.kind()), ("sales", "campaigns"));
        assert_eq!((sales.is_trusted(), sales.every()), (false, Span::from_hours(1)));
        assert_eq!(sales.origin().shown(), "https://sales.example/c.csv");
    }

    #[test]
    fn a_wrong_source_is_told_in_one_sentence_with_its_place() {
        let check = |text: &str, expected: &str| {
            let error = parsed(text).expect_err(expected).to_string();
            assert!(error.starts_with("/etc/weft/weft.toml"), "{error}");
            assert!(error.contains(expected), "expected {expected:?} in {error:?}");
            assert!(!error.contains('\n'), "{error}");
        };
        let calendar = |more: &str| {
            format!("[[calendars]]\nname = \"team\"\npath = \"a\"\nconcerns = {{}}\n{more}\n")
        };
        let campaigns = "[[campaigns]]\nname = \"team\"\npath = \"a.csv\"\n";
        check(&calendar("evry = \"1h\""), "line 7, column 1: unknown field `evry`");
        check(&calendar("every = \"1s\""), "calendar `team`: every: expected 10s to 7d, found 1s");
        check(&calendar("url = \"https://x.example\""), "expected `path` or `url`, found both");
        check(&calendar("zone = \"Berlin\""), "expected a zone like Europe/Berlin, found `Berlin`");
        check(&calendar("[[calendars.rules]]\nnme = 1"), "unknown field `nme`");
        check(&format!("{}{campaigns}", calendar("")), "campaigns `team`: expected every source");
        check(&campaigns.replace("team", "api"), "campaigns `api`: name: expected one that Weft");
        check("[[feeds]]\nname = \"x\"\npath = \"a\"\nrules = []\n", "at least one rule");
        let feed = "[[feeds]]\nname = \"x\"\npath = \"a\"\ntrusted = true\nrules = []\n";
        check(feed, "unknown field `trusted`");
        let many: Vec<_> = (0..65).map(|n| campaigns.replace("team", &format!("s{n}"))).collect();
        check(&many.concat(), "expected at most 64 together, found 65");
    }

    /// What the reference shows is what a configuration may say.
    #[test]
    fn the_examples_of_the_reference_are_sound() {
        let page = include_str!("../../../../docs/reference/signals.md");
        let examples: Vec<&str> = page
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap_or_default())
            .collect();
        assert!(examples.len() >= 3, "expected an example of each kind, found {}", examples.len());
        let config = parsed(&examples.concat()).expect("sound together");
        let kinds: Vec<_> = config.signals.iter().map(|source| source.kind()).collect();
        for kind in ["calendar", "campaigns", "feed"] {
            assert!(kinds.contains(&kind), "expected an example of {kind} in {kinds:?}");
        }
    }
}
