"""What a forecaster is given and how its work is timed. Every peer is a function from a task to quantiles."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
import resource

import numpy as np


@dataclass(frozen=True)
class Task:
    """One origin: what is known, and what is asked."""

    history: np.ndarray  # series x steps, NaN is a gap, the step before the origin last
    first_index: int  # step of the data set at which the history begins; the data set begins at midnight of a Monday
    step_seconds: int
    season: int
    horizon: int
    levels: np.ndarray
    start: object = None  # pandas.Timestamp of the first step of the history


@dataclass(frozen=True)
class Peer:
    """A forecaster beside others. `revision` belongs to the key of what is kept: raise it when the code changes."""

    name: str
    version: str
    forecast: Callable[[Task], np.ndarray]
    slow: bool = False  # runs on every third series, at few origins


@dataclass(frozen=True)
class Run:
    """A forecast (series x horizon x levels) and the processor time of all threads and children that it took."""

    quantiles: np.ndarray
    cpu_seconds: float
    wall_seconds: float


def cpu_seconds() -> float:
    """Processor time of this process, its threads and its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def timed(forecast: Callable[[Task], np.ndarray], task: Task) -> Run:
    """Runs a forecaster and measures it."""
    cpu, wall = cpu_seconds(), monotonic()
    quantiles = forecast(task)
    return Run(quantiles, cpu_seconds() - cpu, monotonic() - wall)
