"""Turns scores into Markdown. It reckons nothing."""

from dataclasses import dataclass
from math import isnan

from score import Coverage, Score


@dataclass(frozen=True)
class Row:
    """One forecaster with its score and its processor time a series, training included."""

    name: str
    score: Score
    cpu_seconds: float


def share(value: Coverage) -> str:
    """Coverage in percent, with the share of series near it."""
    return f"{100 * value.pooled:.1f} ({100 * value.within:.0f})"


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def columns(distances: list[str], details: bool) -> list[str]:
    """The heading, in the order of `cells`."""
    names = ["forecaster"]
    names += [f"WQL {label}" for label in distances] + [f"MASE {label}" for label in distances]
    names += [f"95 % to {label}" for label in distances]
    if details:
        names += [f"WQL of pairs {label}" for label in distances]
        names += [f"95 % at {label}" for label in distances] + [f"upper 95 % to {label}" for label in distances]
        names += [f"upper 95 % at {label}" for label in distances]
    return names + ["CPU s", "crossings", "negative", "undefined"]


def cells(row: Row, distances: list[str], details: bool) -> list[str]:
    """One forecaster's line."""
    score = row.score
    found = [row.name]
    found += [f"{score.ratios[label]:.3f}" for label in distances]
    found += [f"{score.scaled_errors[label]:.3f}" for label in distances]
    shown = [score.two_sided_until]
    pairs = [f"{score.pair_ratios[label]:.3f}" for label in distances] if details else []
    if details:
        shown += [score.two_sided_at, score.one_sided_until, score.one_sided_at]
    covered = [share(coverage[label]) for coverage in shown for label in distances]
    found += covered[: len(distances)] + pairs + covered[len(distances) :]
    return found + [f"{row.cpu_seconds:.3f}", str(score.crossings), str(score.negatives), str(score.undefined)]


def render(heading: str, rows: list[Row], distances: list[str], details: bool) -> str:
    """A table with its heading, best loss at the longest distance first."""
    names = columns(distances, details)
    ordered = sorted(rows, key=lambda row: (isnan(row.score.ratios[distances[-1]]), row.score.ratios[distances[-1]]))
    body = [line(cells(row, distances, details)) for row in ordered]
    return "\n".join([f"### {heading}", "", line(names), line(["---"] * len(names)), *body, ""])
