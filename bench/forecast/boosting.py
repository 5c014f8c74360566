"""LightGBM as one would build it for this task: one model for each level, over all series, direct for every step ahead.

The main rival. Every value is seen relative to the series' last hour, in units of its own seasonal error, so that the
sum of the losses that the trees minimise is near the mean of the ratios that the table reports. Levels are put in order
afterwards. It must see nothing but the history.
"""

from dataclasses import dataclass

import lightgbm
import numpy as np

from peers import Task

REVISION = 1
TREES = 100
SAMPLES_A_SERIES = 1000
# A third of the samples teach the first hour, which is a twentieth of the day but half of the table.
NEAR_SHARE = 0.33
SEASONS_BACK = 7
PARAMETERS = {
    "objective": "quantile",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 127,
    "num_threads": 1,
    "verbosity": -1,
    "seed": 1,
    "force_col_wise": True,
}


def row_mean(windows: np.ndarray) -> np.ndarray:
    """Mean of the known values of each row; NaN without one."""
    known = ~np.isnan(windows)
    count = known.sum(-1)
    return np.where(count > 0, np.where(known, windows, 0).sum(-1) / np.maximum(count, 1), np.nan)


@dataclass
class Frame:
    """The scaled series with what is asked of them again and again: running sums, and what each series is like."""

    values: np.ndarray  # series x steps, in units of the scale, padded in front
    offset: int  # steps of padding
    sums: np.ndarray
    counts: np.ndarray
    profile: np.ndarray  # quantiles of the history of each series
    task: Task

    @staticmethod
    def build(task: Task, scale: np.ndarray) -> "Frame":
        offset = task.season * (SEASONS_BACK + 2)
        values = np.pad(task.history / scale[:, None], ((0, 0), (offset, 0)), constant_values=np.nan)
        known = ~np.isnan(values)
        sums = np.pad(np.where(known, values, 0).cumsum(1), ((0, 0), (1, 0)))
        counts = np.pad(known.cumsum(1), ((0, 0), (1, 0)))
        profile = np.nanquantile(values, [0.05, 0.25, 0.5, 0.75, 0.95, 1.0], axis=1).T
        return Frame(values, offset, sums, counts, profile, task)

    def mean(self, series: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Mean of the known values of steps first..end (indices with padding)."""
        count = self.counts[series, end] - self.counts[series, first]
        total = self.sums[series, end] - self.sums[series, first]
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def known_at(frame: Frame, series: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is known of a series at an origin, whatever the step ahead: the base, and columns relative to it."""
    task, end = frame.task, origin + frame.offset
    hour = max(1, 3600 // task.step_seconds)
    spans = sorted({3, hour, 3 * hour, 6 * hour, task.season})
    base = frame.mean(series, end - hour, end)
    base = np.where(np.isnan(base), frame.mean(series, end - task.season, end), base)
    base = np.where(np.isnan(base), frame.profile[series, 2], base)
    columns = [frame.values[series, end - lag] - base for lag in (1, 2, 3, 4, 6)]
    columns += [frame.mean(series, end - span, end) - base for span in spans]
    columns += [frame.mean(series, end - 7 * task.season, end) - base]
    for span in sorted({max(4, hour), 6 * hour, task.season}):
        window = frame.values[series[:, None], end[:, None] - np.arange(span, 0, -1)]
        columns += [row_quantile(window, level) - base for level in (0.05, 0.5, 0.95, 1.0)]
        columns += [np.sqrt(row_mean((window - row_mean(window)[:, None]) ** 2))]
        columns += [row_mean(np.abs(np.diff(window, axis=1)))]
    columns += list((frame.profile[series] - base[:, None]).T)
    columns += [base]
    return base, np.column_stack(columns)


def row_quantile(windows: np.ndarray, level: float) -> np.ndarray:
    """Nearest-rank quantile of the known values of each row; NaN without one."""
    ordered = np.sort(windows, axis=1)  # NaN go last
    count = (~np.isnan(windows)).sum(1)
    return ordered[np.arange(len(windows)), np.maximum(np.round(level * (count - 1)), 0).astype(int)]


def known_of_target(
    frame: Frame, series: np.ndarray, origin: np.ndarray, ahead: np.ndarray, base: np.ndarray
) -> np.ndarray:
    """What is known of the step that is asked for: its time, and the same time of the seasons before."""
    task = frame.task
    hour = max(1, 3600 // task.step_seconds)
    index = task.first_index + origin + ahead - 1
    phase = index % task.season
    weekday = (index // task.season) % 7
    target = origin + ahead - 1 + frame.offset
    columns = [ahead, phase, weekday]
    before = target - task.season * (-(-ahead // task.season))
    at, around = [], []
    for back in range(SEASONS_BACK):
        middle = before - back * task.season
        near = np.minimum(middle + hour // 2 + 1, origin + frame.offset)
        at.append(frame.values[series, middle])
        around.append(frame.mean(series, middle - hour // 2, near))
    columns += [at[0] - base, at[1] - base, at[SEASONS_BACK - 1] - base]
    columns += [around[0] - base, around[1] - base, around[SEASONS_BACK - 1] - base]
    if hour > 1:
        columns += [
            frame.values[series, np.minimum(before + shift, origin + frame.offset - 1)] - base
            for shift in (-2, -1, 1, 2)
        ]
    at, around = np.stack(at, 1), np.stack(around, 1)
    columns += [row_quantile(at, level) - base for level in (0.0, 0.5, 1.0)]
    columns += [row_mean(around) - base, np.sqrt(row_mean((around - row_mean(around)[:, None]) ** 2))]
    # How far the last hour is from what that hour used to be: a day that runs high tends to go on so.
    now = origin + frame.offset
    columns += [frame.mean(series, now - hour - task.season, now - task.season) - base]
    columns += [frame.mean(series, now - 6 * hour - task.season, now - task.season) - base]
    return np.column_stack(columns)


def sample(task: Task, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which (series, origin, step ahead) to learn from: random times of the history, near steps more often."""
    count, length = task.history.shape
    rows = count * SAMPLES_A_SERIES
    hour = max(1, 3600 // task.step_seconds)
    first = min(2 * task.season, length // 2)
    series = np.repeat(np.arange(count), SAMPLES_A_SERIES)
    longest = max(1, min(task.horizon, length - first - 1))
    near = random.random(rows) < (NEAR_SHARE if hour > 1 else 0)
    ahead = np.where(near, random.integers(1, min(hour, longest) + 1, rows), random.integers(1, longest + 1, rows))
    origin = first + (random.random(rows) * (length - ahead - first + 1)).astype(int)
    return series, origin, ahead


def scales(task: Task) -> np.ndarray:
    """The unit of each series: its mean absolute seasonal error, without two seasons its mean step; never 0."""
    lag = task.season if task.history.shape[1] >= 2 * task.season else 1
    errors = task.history[:, lag:] - task.history[:, :-lag]
    scale = np.nan_to_num(row_mean(np.abs(errors)))
    fallback = np.nan_to_num(row_mean(np.abs(task.history)))
    return np.where(scale > 1e-9, scale, np.where(fallback > 1e-9, fallback, 1.0))


def features(frame: Frame, series: np.ndarray, origin: np.ndarray, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The base and all columns of each (series, origin, step ahead)."""
    base, known = known_at(frame, series, origin)
    return base, np.column_stack([known, known_of_target(frame, series, origin, ahead, base)]).astype(np.float32)


def light_gbm(task: Task) -> np.ndarray:
    """Quantiles of every series and step: series x horizon x levels."""
    scale = scales(task)
    frame = Frame.build(task, scale)
    series, origin, ahead = sample(task, np.random.default_rng(1))
    base, columns = features(frame, series, origin, ahead)
    target = frame.values[series, origin + ahead - 1 + frame.offset] - base
    known = ~np.isnan(target)
    training = lightgbm.Dataset(columns[known], target[known], free_raw_data=False, params=PARAMETERS)

    count, length = task.history.shape
    now = np.full(count, length)
    base, known_now = known_at(frame, np.arange(count), now)
    series, ahead = np.repeat(np.arange(count), task.horizon), np.tile(np.arange(1, task.horizon + 1), count)
    asked = known_of_target(frame, series, np.full(len(series), length), ahead, base[series])
    questions = np.column_stack([known_now[series], asked]).astype(np.float32)
    answers = np.empty((len(series), len(task.levels)))
    for column, level in enumerate(task.levels):
        model = lightgbm.train(PARAMETERS | {"alpha": float(level)}, training, TREES)
        answers[:, column] = model.predict(questions, num_threads=1)
    answers = np.sort(answers + base[series][:, None], axis=1) * scale[series][:, None]
    return np.maximum(answers, 0).reshape(count, task.horizon, len(task.levels))
