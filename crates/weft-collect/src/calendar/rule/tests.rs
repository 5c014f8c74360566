//! Tests of recurrence rules, against what python-dateutil 2.9 gives for the same rules. It differs in
//! two points, on purpose: the start of a rule is always its first instance, as RFC 5545 says, and
//! weekdays with and without a number stand beside each other instead of excluding each other.

use proptest::prelude::any;
use proptest::proptest;

use super::*;

fn at(text: &str) -> DateTime {
    let (day, time) = text.split_once('T').unwrap_or((text, "000000"));
    clock(date(day).expect(text), time).expect(text)
}

/// The clocks between two days, as text.
fn clocks(rule: &str, start: &str, from: &str, to: &str) -> Vec<String> {
    let rule = Rule::read(rule).expect(rule);
    let clocks =
        rule.clocks(at(start), false, &Zone::utc(), at(from)..=at(to), &mut Work::default());
    clocks.iter().map(|clock| clock.strftime("%Y%m%dT%H%M%S").to_string()).collect()
}

fn check(rule: &str, start: &str, from: &str, to: &str, expected: &str) {
    assert_eq!(clocks(rule, start, from, to).join(" "), expected, "{rule} from {start}");
}

/// Chosen from 1,404 rules made at random, all of which agreed.
#[test]
fn rules_agree_with_the_reference() {
    check(
        "FREQ=DAILY;INTERVAL=1;BYDAY=MO,WE",
        "20200520T213000",
        "20200913",
        "20200923",
        "20200914T213000 20200916T213000 20200921T213000",
    );
    check(
        "FREQ=DAILY;INTERVAL=1;BYMONTH=1,7;BYMONTHDAY=-1",
        "20190324T043000",
        "20230705",
        "20240610",
        "20230731T043000 20240131T043000",
    );
    check(
        "FREQ=WEEKLY;INTERVAL=6",
        "20210104T193000",
        "20200507",
        "20210607",
        "20210104T193000 20210215T193000 20210329T193000 20210510T193000",
    );
    check(
        "FREQ=WEEKLY;INTERVAL=5;BYMONTH=8,9;BYDAY=SU,WE;BYSETPOS=-2,2;WKST=WE",
        "20220414T083000",
        "20230718",
        "20240827",
        "20230816T083000 20230820T083000 20230920T083000 20230924T083000",
    );
    check(
        "FREQ=WEEKLY;INTERVAL=3;BYMONTH=12;COUNT=36",
        "20190412T053000",
        "20210724",
        "20220123",
        "20211203T053000 20211224T053000",
    );
    check(
        "FREQ=WEEKLY;INTERVAL=5;BYMONTH=7;UNTIL=20240611T163000",
        "20200616T193000",
        "20210421",
        "20220615",
        "20210706T193000",
    );
    check(
        "FREQ=MONTHLY;INTERVAL=2;COUNT=14",
        "20211218T223000",
        "20220127",
        "20221212",
        "20220218T223000 20220418T223000 20220618T223000 20220818T223000 20221018T223000",
    );
    check(
        "FREQ=MONTHLY;INTERVAL=5;UNTIL=20250126T143000",
        "20220818T143000",
        "20221231",
        "20231115",
        "20230118T143000 20230618T143000",
    );
    check(
        "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=-2,2,31;BYDAY=SA,SU,TU,WE;COUNT=18",
        "20200519T113000",
        "20190717",
        "20200806",
        "20200519T113000 20200530T113000 20200531T113000 20200802T113000",
    );
    check(
        "FREQ=MONTHLY;BYDAY=-1TU,-2TU,1WE;BYSETPOS=2,3",
        "20191218T083000",
        "20220104",
        "20220213",
        "20220118T083000 20220125T083000",
    );
    check(
        "FREQ=MONTHLY;BYMONTHDAY=1,2,29,31",
        "20191224T123000",
        "20190828",
        "20200103",
        "20191224T123000 20191229T123000 20191231T123000 20200101T123000 20200102T123000",
    );
    check(
        "FREQ=MONTHLY;INTERVAL=2;BYMONTH=6,7,10,11;BYDAY=-1WE,-2SA",
        "20200709T213000",
        "20210923",
        "20220212",
        "20211120T213000 20211124T213000",
    );
    check(
        "FREQ=YEARLY;INTERVAL=3;COUNT=32",
        "20190425T043000",
        "20210512",
        "20220618",
        "20220425T043000",
    );
    check(
        "FREQ=YEARLY;BYDAY=20MO",
        "19970519T090000",
        "19970101",
        "19991231",
        "19970519T090000 19980518T090000 19990517T090000",
    );
}

/// From the examples of RFC 5545, section 3.8.5.3.
#[test]
fn rules_agree_with_the_standard() {
    check(
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "19980213T090000",
        "19980101",
        "19990901",
        "19980213T090000 19980313T090000 19981113T090000 19990813T090000",
    );
    check(
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "19961105T090000",
        "19960101",
        "20050101",
        "19961105T090000 20001107T090000 20041102T090000",
    );
    check(
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "19970904T090000",
        "19970101",
        "19990101",
        "19970904T090000 19971007T090000 19971106T090000",
    );
    check(
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "19970805T090000",
        "19970101",
        "19990101",
        "19970805T090000 19970810T090000 19970819T090000 19970824T090000",
    );
    check(
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "19970805T090000",
        "19970101",
        "19990101",
        "19970805T090000 19970817T090000 19970819T090000 19970831T090000",
    );
    check(
        "FREQ=YEARLY",
        "20240229T090000",
        "20240101",
        "20330101",
        "20240229T090000 20280229T090000 20320229T090000",
    );
}

#[test]
fn a_rule_that_never_fires_ends() {
    check("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "20200101", "20200601", "20300101", "");
    check(
        "FREQ=DAILY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=30",
        "00010101",
        "20200601",
        "99991231",
        "",
    );
    check("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4", "20200101", "20200601", "20300101", "");
}

#[test]
fn a_rule_without_end_stops_with_the_work() {
    let rule = Rule::read("FREQ=DAILY;COUNT=4000000000").expect("a rule");
    let mut work = Work { days: 1_000, is_over: false };
    let range = at("20200101")..=at("99991231");
    let clocks = rule.clocks(at("00010101"), false, &Zone::utc(), range.clone(), &mut work);
    assert!(clocks.is_empty() && work.is_over());
    let clocks = rule.clocks(at("20210101"), false, &Zone::utc(), range, &mut work);
    assert_eq!(clocks, [at("20210101")], "what is over stays over, and a start needs no work");
}

#[test]
fn what_is_not_read_is_refused() {
    let refused = |text: &str, found: &str| {
        let error = Rule::read(text).expect_err(text);
        assert!(error.contains(&format!("found `{found}`")), "{error}");
    };
    refused("FREQ=HOURLY", "FREQ=HOURLY");
    refused("FREQ=DAILY;BYHOUR=9", "BYHOUR=9");
    refused("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO=20");
    refused("FREQ=DAILY;INTERVAL=0", "INTERVAL=0");
    refused("FREQ=DAILY;COUNT=0", "COUNT=0");
    refused("FREQ=DAILY;COUNT=-1", "COUNT=-1");
    refused("FREQ=DAILY;BYMONTH=13", "BYMONTH=13");
    refused("FREQ=DAILY;BYDAY=XX", "BYDAY=XX");
    refused("FREQ=DAILY;BYDAY=é", "BYDAY=é");
    refused("FREQ=DAILY;UNTIL=tomorrow", "UNTIL=tomorrow");
    refused("FREQ", "FREQ");
    assert!(Rule::read("COUNT=3").expect_err("no frequency").contains("FREQ"));
}

proptest! {
    #[test]
    fn any_rule_gives_an_answer_in_bounds(
        parts in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);)((INTERVAL|COUNT|BYMONTH|BYMONTHDAY|BYSETPOS)=-?[0-9]{1,4};|BYDAY=-?[0-9]{0,2}(MO|SU);|UNTIL=[0-9]{8};){0,4}",
        year in 1_i16..=9_999,
        from in -9_000_i16..=9_000,
        is_day in any::<bool>(),
    ) {
        if let Ok(rule) = Rule::read(&parts) {
            let day = |year: i16| DateTime::new(year, 2, 28, 23, 59, 59, 0).expect("a date");
            let range = day(from)..=day(from + 2);
            let mut work = Work { days: 20_000, is_over: false };
            let clocks = rule.clocks(day(year), is_day, &Zone::utc(), range.clone(), &mut work);
            assert!(clocks.iter().all(|clock| range.contains(clock)) && clocks.is_sorted());
        }
    }

    #[test]
    fn any_text_is_a_rule_or_not(text in "\\PC{0,60}") {
        let _ = Rule::read(&text);
    }
}
