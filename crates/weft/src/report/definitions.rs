//! What the words of the report mean, so that the page explains itself when it is passed on. The
//! full definitions are docs/reference/metrics.md; these must never say anything else.

use weft_sim::backtest::outcome::Outcome;

use super::markup::escape;

const METRICS: &[(&str, &str)] = &[
    (
        "Unserved demand",
        "Processor time that workloads wanted within their own vCPUs and did not get, in hours of \
         a reference core: because their host was full (by overload), because a move took it (by \
         moves), or because they stood still.",
    ),
    ("Overload", "Minutes in which demand exceeded a host’s capacity, summed over hosts."),
    (
        "SLATAH",
        "Of the time in which hosts were active, the share in which a host served less than was \
         requested of it (Beloglazov and Buyya, 2012).",
    ),
    ("PDM", "Of all processor time requested, the share lost while workloads moved (ibid.)."),
    (
        "SLAV, ESV",
        "SLAV is SLATAH × PDM; ESV is energy × SLAV (ibid.). Both are zero for whoever never \
         moves, however much demand goes unserved, so neither is a goal by itself.",
    ),
    ("Energy", "Power of all hosts, from their power curves, over the whole run."),
    (
        "Moves, sent, downtime",
        "Moves that were started, the bytes they sent, and the seconds in which workloads stood still \
         because of them.",
    ),
    ("Cost", "The bill: energy, host-hours, and bytes between regions, at the fleet’s prices."),
    (
        "Regret",
        "The bill plus unserved demand and downtime at the policy’s prices, less the least of all \
         rows.",
    ),
];

const POLICIES: &[(&str, &str)] = &[
    ("none", "Every workload stays where it was first placed."),
    ("pack-once", "Packs tightly after the first samples, then never moves."),
    (
        "reactive-…",
        "Moves after a host is overloaded, by a fixed threshold (thr), an interquartile range \
         (iqr) or a local regression (lr).",
    ),
    ("predictive", "Weft’s own control loop. It sees only samples up to now."),
    ("oracle", "The same planner given the true future: the bound, not a competitor."),
    ("actual", "The recorded placement, where the trace has one."),
];

/// The definitions, and how the interval is made.
pub(super) fn definitions(outcome: &Outcome) -> String {
    let blocks = escape(outcome.verdict.blocks);
    let (metrics, policies) = (list(METRICS), list(POLICIES));
    format!(
        "<div class=\"definitions\">\n<div>\n<h3>Metrics</h3>\n{metrics}</div>\n<div>\n\
         <h3>Policies</h3>\n{policies}<h3>The interval of the saving</h3>\n\
         <p>The saving is the difference between the two rows in the bill plus unserved demand and \
         downtime at the policy’s prices. Its run is cut into blocks (here {blocks}), because \
         neighbouring steps resemble each other and are no independent evidence. Blocks are drawn \
         with replacement, again and again, and the saving is added up each time; the interval \
         holds the middle 95 % of those sums. Where it includes zero, the honest answer is that \
         you would gain nothing that chance could not explain.</p>\n</div>\n</div>\n"
    )
}

fn list(entries: &[(&str, &str)]) -> String {
    let entry =
        |(term, text): &(&str, &str)| format!("<div><dt>{term}</dt><dd>{text}</dd></div>\n");
    let entries: String = entries.iter().map(entry).collect();
    format!("<dl>\n{entries}</dl>\n")
}
