"""How good forecasts were: losses against the floor, coverage, and what must never happen.

Pure arithmetic on arrays. Truths are origins x series x steps, forecasts origins x series x steps x levels. It must not
know which forecaster it judges.
"""

from dataclasses import dataclass

import numpy as np

LEVELS = np.array([0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975])
LOSS_LEVELS = np.arange(2, 11)  # 0.1 to 0.9
MEDIAN = 6
BAND = (0.88, 0.99)  # where the coverage of a single series should lie
TIE = 1e-6  # relative; forecasts that went through 32-bit numbers or text are equal within this


def quantile_losses(truth: np.ndarray, forecast: np.ndarray, steps: int) -> np.ndarray:
    """The quantile loss of each origin and series, summed over the first `steps` steps and the levels 0.1 to 0.9."""
    error = truth[:, :, :steps, None] - forecast[:, :, :steps, LOSS_LEVELS]
    levels = LEVELS[LOSS_LEVELS]
    return np.maximum(levels * error, (levels - 1) * error).sum((2, 3))


def loss_ratio(losses: np.ndarray, floor: np.ndarray) -> float:
    """Geometric mean of loss / loss of the floor. Where the floor foretells exactly, the loss is left out."""
    known = floor > 0
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(losses[known] / floor[known]).mean()))


def scaled_error(truth: np.ndarray, forecast: np.ndarray, scale: np.ndarray, steps: int) -> float:
    """MASE: absolute error of the median over the scale (origins x series), pooled over origins, mean over series."""
    error = np.abs(truth - forecast[..., MEDIAN])[:, :, :steps].mean((0, 2))
    scale = scale.mean(0)
    return float((error[scale > 0] / scale[scale > 0]).mean())


def seasonal_scale(history: np.ndarray, season: int) -> np.ndarray:
    """Per series the mean absolute error of the last season within its history, the denominator of MASE."""
    return np.nanmean(np.abs(history[:, season:] - history[:, :-season]), axis=1)


def transform(truth: np.ndarray, forecast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability integral transform as an interval [low, high] of levels, of one point unless quantiles tie.

    A truth between two quantiles gets the middle between their levels. One that equals several quantiles sits on a
    point mass, which covers all their levels; at the ends it reaches on to 0 or 1, from a quantile at zero always to
    0: demand has nothing below. To randomise the transform is to draw from the interval; its share inside a band is
    the expectation of that draw, without the noise.
    """
    value = truth[..., None]
    tied = np.abs(forecast - value) <= TIE * np.maximum(np.abs(value), 1e-3)
    edges = np.concatenate([[0.0], LEVELS, [1.0]])
    below = ((forecast < value) & ~tied).sum(-1)
    count = tied.sum(-1)
    middle = (edges[below] + edges[below + 1]) / 2
    low = np.where(count > 0, LEVELS[np.minimum(below, len(LEVELS) - 1)], middle)
    high = np.where(count > 0, LEVELS[np.clip(below + count - 1, 0, len(LEVELS) - 1)], middle)
    mass = (count > 1) | ((count == 1) & (np.abs(truth) <= TIE))
    low = np.where(mass & (below == 0), 0.0, low)
    high = np.where((count > 1) & (below + count == len(LEVELS)), 1.0, high)
    return low, high


def share_within(low: np.ndarray, high: np.ndarray, bottom: float, top: float) -> np.ndarray:
    """How much of each transform lies within the band of levels; a point counts as in or out, the band's ends as in."""
    width = high - low
    inside = (low >= bottom) & (high <= top)
    overlap = np.clip(np.minimum(high, top) - np.maximum(low, bottom), 0, None)
    return np.where(width > 0, overlap / np.where(width > 0, width, 1), inside)


@dataclass(frozen=True)
class Coverage:
    """What an interval covered, in all, and the share of series for which it was between 88 and 99 %."""

    pooled: float
    within: float


def coverage(inside: np.ndarray, steps: slice) -> Coverage:
    """Coverage over some steps ahead, pooled over origins; `inside` is origins x series x steps."""
    per_series = inside[:, :, steps].mean((0, 2))
    return Coverage(float(per_series.mean()), float(((per_series >= BAND[0]) & (per_series <= BAND[1])).mean()))


@dataclass(frozen=True)
class Score:
    """All that the table shows of one forecaster on some series."""

    ratios: dict[str, float]  # per series, pooled over origins
    pair_ratios: dict[str, float]  # per pair of origin and series
    scaled_errors: dict[str, float]
    two_sided_at: dict[str, Coverage]
    two_sided_until: dict[str, Coverage]
    one_sided_at: dict[str, Coverage]
    one_sided_until: dict[str, Coverage]
    crossings: int
    negatives: int
    undefined: int


def score(
    truth: np.ndarray, forecast: np.ndarray, floor: np.ndarray, scale: np.ndarray, distances: dict[str, int]
) -> Score:
    """Judges a forecast; `floor` is that of the seasonal-naive floor, `scale` the denominator of MASE."""
    low, high = transform(truth, forecast)
    both, upper = share_within(low, high, 0.025, 0.975), share_within(low, high, 0.0, 0.95)
    at = {label: slice(steps - 1, steps) for label, steps in distances.items()}
    until = {label: slice(0, steps) for label, steps in distances.items()}
    losses = {k: (quantile_losses(truth, forecast, n), quantile_losses(truth, floor, n)) for k, n in distances.items()}
    return Score(
        ratios={k: loss_ratio(own.sum(0), floors.sum(0)) for k, (own, floors) in losses.items()},
        pair_ratios={k: loss_ratio(own, floors) for k, (own, floors) in losses.items()},
        scaled_errors={k: scaled_error(truth, forecast, scale, n) for k, n in distances.items()},
        two_sided_at={k: coverage(both, steps) for k, steps in at.items()},
        two_sided_until={k: coverage(both, steps) for k, steps in until.items()},
        one_sided_at={k: coverage(upper, steps) for k, steps in at.items()},
        one_sided_until={k: coverage(upper, steps) for k, steps in until.items()},
        crossings=int((np.diff(forecast, axis=-1) < -1e-9).sum()),
        negatives=int((forecast < 0).sum()),
        undefined=int((~np.isfinite(forecast)).sum()),
    )
