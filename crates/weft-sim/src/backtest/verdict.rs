//! The verdict: would Weft have gained anything, and how sure is that?

use weft_core::policy::Prices;

use super::bootstrap;
use super::outcome::{PolicyRow, Verdict};
use crate::judge::Block;

/// A saving below this share of what the other policy cost is nothing to speak of, however sure it is: what
/// was assumed of power and moves is less exact.
pub const NEGLIGIBLE: f64 = 0.005;

/// With fewer days than this, hosts are the blocks.
const FEWEST_DAYS: usize = 7;

/// Bill, unserved demand and downtime at the policy's prices.
fn whole_cost(row: &PolicyRow, prices: &Prices) -> f64 {
    row.cost
        + row.unserved_core_hours * prices.unserved_core_hour
        + row.downtime_seconds / 3_600.0 * prices.downtime_hour
}

/// Fills every row's regret: its whole cost less the least of all.
pub(super) fn fill_regret(rows: &mut [PolicyRow], prices: &Prices) {
    let least = rows.iter().map(|row| whole_cost(row, prices)).fold(f64::INFINITY, f64::min);
    for row in rows {
        row.regret = whole_cost(row, prices) - least;
    }
}

/// Compares the first predictive row with the recorded placement, or else with the cheapest policy
/// that is neither Weft nor the oracle.
pub(super) fn judge(
    rows: &[PolicyRow],
    blocks: &[Vec<Vec<Block>>],
    prices: &Prices,
    seed: u64,
) -> Verdict {
    let predictive = rows.iter().position(|row| row.policy == "predictive");
    let actual = rows.iter().position(|row| row.policy == "actual");
    let rivals = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !matches!(row.policy.as_str(), "predictive" | "oracle"));
    let cheapest = rivals
        .min_by(|(_, a), (_, b)| whole_cost(a, prices).total_cmp(&whole_cost(b, prices)))
        .map(|(index, _)| index);
    let against = actual.or(cheapest);
    let mut verdict = Verdict {
        predictive,
        against,
        saving: 0.0,
        share: 0.0,
        interval: (0.0, 0.0),
        blocks: "days",
        sentence: "Nothing to compare: run `predictive` and at least one other policy.".to_owned(),
    };
    let (Some(ours), Some(theirs)) = (predictive, against) else { return verdict };
    let (differences, kind) = differences(&blocks[theirs], &blocks[ours], prices);
    verdict.blocks = kind;
    verdict.saving = whole_cost(&rows[theirs], prices) - whole_cost(&rows[ours], prices);
    let whole = whole_cost(&rows[theirs], prices);
    verdict.share = if whole > 0.0 { verdict.saving / whole } else { 0.0 };
    let sum: f64 = differences.iter().sum();
    let (low, high) = bootstrap::interval(&differences, seed);
    let shift = verdict.saving - sum;
    verdict.interval = (low + shift, high + shift);
    verdict.sentence = sentence(&verdict, &rows[theirs]);
    // Who is compared with what really happened must not miss that something simple does better.
    let cheaper = cheapest.map(|index| &rows[index]).filter(|row| row.policy != "actual");
    let least = cheaper.map(|row| whole_cost(&rows[ours], prices) - whole_cost(row, prices));
    if let (Some(row), Some(less)) = (cheaper, least.filter(|less| actual.is_some() && *less > 0.0))
    {
        let further = format!(" {} would have cost {less:.2} less than Weft.", name_of(row));
        verdict.sentence.push_str(&further);
    }
    verdict
}

/// A row in a sentence.
fn name_of(row: &PolicyRow) -> String {
    match (row.policy.as_str(), row.setting()) {
        ("actual", _) => "what really happened (actual)".to_owned(),
        (name, Some(setting)) => format!("{name} at {setting}"),
        (name, None) => name.to_owned(),
    }
}

/// What a block cost the other policy more than Weft, per day or per host.
fn differences(
    theirs: &[Vec<Block>],
    ours: &[Vec<Block>],
    prices: &Prices,
) -> (Vec<f64>, &'static str) {
    let cost = |block: &Block| block.cost + block.unserved_core_hours * prices.unserved_core_hour;
    let days = theirs.len().min(ours.len());
    if days >= FEWEST_DAYS {
        let day = |blocks: &[Block]| blocks.iter().map(cost).sum::<f64>();
        let list = theirs.iter().zip(ours).map(|(a, b)| day(a) - day(b));
        return (list.collect(), "days");
    }
    let hosts = theirs.first().map_or(0, Vec::len);
    let host =
        |blocks: &[Vec<Block>], host: usize| blocks.iter().map(|day| cost(&day[host])).sum::<f64>();
    ((0..hosts).map(|index| host(theirs, index) - host(ours, index)).collect(), "hosts")
}

fn sentence(verdict: &Verdict, rival: &PolicyRow) -> String {
    let (low, high) = verdict.interval;
    let range = format!(
        "{:.2} (95 % interval {low:.2} to {high:.2}, over {})",
        verdict.saving, verdict.blocks
    );
    let name = name_of(rival);
    if low > 0.0 && verdict.share < NEGLIGIBLE {
        let percent = 100.0 * verdict.share;
        format!(
            "You would gain nothing to speak of: against {name} the saving is {range}, {percent:.2} % of what that costs."
        )
    } else if low > 0.0 {
        format!("Weft would have saved {range} against {name}.")
    } else if high < 0.0 {
        format!("You would gain nothing: against {name} the saving is {range}, a loss.")
    } else {
        format!(
            "You would gain nothing that can be told from chance: against {name} the saving is {range}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(policy: &str, cost: f64, unserved: f64) -> PolicyRow {
        PolicyRow {
            policy: policy.to_owned(),
            confidence: None,
            fill: None,
            energy_kwh: 0.0,
            unserved_core_hours: unserved,
            unserved_overload_core_hours: unserved,
            unserved_migration_core_hours: 0.0,
            unserved_downtime_core_hours: 0.0,
            unserved_lost_core_hours: 0.0,
            overload_minutes: 0.0,
            slatah: 0.0,
            pdm: 0.0,
            slav: 0.0,
            esv: 0.0,
            migrations: 0,
            moved_bytes: 0,
            downtime_seconds: 0.0,
            cost,
            regret: 0.0,
            course: Vec::new(),
        }
    }

    fn blocks(costs: &[f64]) -> Vec<Vec<Block>> {
        let block = |cost: &f64| vec![Block { cost: *cost, ..Block::default() }];
        costs.iter().map(block).collect()
    }

    #[test]
    fn a_saving_that_varies_around_zero_is_no_gain() {
        let prices = Prices::default();
        let rows = [row("none", 80.0, 0.0), row("predictive", 80.0, 0.0)];
        let theirs = blocks(&[10.0, 12.0, 8.0, 11.0, 9.0, 10.0, 12.0, 8.0]);
        let ours = blocks(&[12.0, 10.0, 10.0, 9.0, 11.0, 10.0, 8.0, 10.0]);
        let verdict = judge(&rows, &[theirs, ours], &prices, 3);
        assert_eq!((verdict.predictive, verdict.against), (Some(1), Some(0)));
        assert!(verdict.sentence.starts_with("You would gain nothing"), "{}", verdict.sentence);
    }

    #[test]
    fn a_steady_saving_is_told_with_its_interval() {
        let prices = Prices::default();
        let rows =
            [row("none", 80.0, 0.0), row("reactive-thr", 72.0, 0.0), row("predictive", 64.0, 0.0)];
        let steady = |cost: f64| blocks(&[cost; 8]);
        let all = [steady(10.0), steady(9.0), steady(8.0)];
        let verdict = judge(&rows, &all, &prices, 3);
        assert_eq!(verdict.against, Some(1), "the cheapest rival");
        assert!((verdict.saving - 8.0).abs() < 1e-9);
        assert!(verdict.sentence.starts_with("Weft would have saved 8.00"), "{}", verdict.sentence);
    }

    #[test]
    fn a_saving_that_is_sure_and_tiny_is_nothing_to_speak_of() {
        let prices = Prices::default();
        let rows =
            [row("actual", 800.0, 0.0), row("none", 796.0, 0.0), row("predictive", 798.0, 0.0)];
        let steady = |cost: f64| blocks(&[cost; 8]);
        let verdict = judge(&rows, &[steady(100.0), steady(99.5), steady(99.75)], &prices, 3);
        assert_eq!((verdict.against, verdict.share), (Some(0), 0.0025));
        let expected = "You would gain nothing to speak of: against what really happened (actual) the saving is 2.00 (95 % interval 2.00 to 2.00, over days), 0.25 % of what that costs. none would have cost 2.00 less than Weft.";
        assert_eq!(verdict.sentence, expected);
    }

    #[test]
    fn regret_is_against_the_least_of_all_rows() {
        let prices = Prices { unserved_core_hour: 2.0, ..Prices::default() };
        let mut rows = [row("none", 10.0, 1.0), row("oracle", 9.0, 0.0)];
        fill_regret(&mut rows, &prices);
        assert_eq!((rows[0].regret, rows[1].regret), (3.0, 0.0));
    }
}
