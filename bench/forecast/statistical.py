"""Classical models of statsforecast: AutoARIMA, AutoETS, AutoTheta, MSTL. Each series in its own process.

They know no gaps, so gaps are filled in line first. A fit that takes too long is ended and the model is asked again
without its season, which is what its users do; where that takes too long too, the series keeps the last value.
"""

from collections.abc import Callable
from functools import partial
from math import ceil
from multiprocessing import get_context
from resource import RLIMIT_CPU, RUSAGE_SELF, getrusage, setrlimit
import sys
import warnings

import numpy as np
from statsforecast.models import MSTL, AutoARIMA, AutoETS, AutoTheta

import floors
from peers import Peer, Task

REVISION = 1
LIMIT_CPU_SECONDS = 15  # processor time of one fit: thirty times what LightGBM takes for a series


def models(season: int) -> dict[str, Callable[[], object]]:
    """How each model is made for a season; 1 for none."""
    return {
        "AutoARIMA": lambda: AutoARIMA(season_length=season, approximation=True),
        "AutoETS": lambda: AutoETS(season_length=season),
        "AutoTheta": lambda: AutoTheta(season_length=season),
        "MSTL": lambda: MSTL(season_length=season),
    }


def filled(series: np.ndarray) -> np.ndarray:
    """The series with its gaps bridged by straight lines; zeros where nothing is known."""
    known = ~np.isnan(series)
    if not known.any():
        return np.zeros(len(series))
    steps = np.arange(len(series))
    return np.interp(steps, steps[known], series[known])


def quantiles(name: str, series: np.ndarray, season: int, horizon: int, levels: np.ndarray) -> np.ndarray:
    """Fits one series; the model's own intervals, cut at zero: horizon x levels."""
    warnings.simplefilter("ignore")
    # An interval of 60 % ends at the levels 0.2 and 0.8.
    intervals = sorted({round(100 * abs(1 - 2 * level), 6) for level in levels if abs(level - 0.5) > 1e-9})
    answer = models(season)[name]().forecast(y=series, h=horizon, level=intervals)
    columns = []
    for level in levels:
        side, width = ("lo", 1 - 2 * level) if level < 0.5 else ("hi", 2 * level - 1)
        middle = abs(level - 0.5) < 1e-9
        columns.append(answer["mean"] if middle else answer[f"{side}-{interval_name(intervals, width)}"])
    return np.maximum(np.stack(columns, axis=1), 0)


def interval_name(intervals: list[float], width: float) -> float:
    """That of the asked intervals which has this width."""
    return min(intervals, key=lambda interval: abs(interval - 100 * width))


def answer_through(connection, seconds: int, work: Callable[[], np.ndarray]) -> None:
    """Runs in the child: sends the result, or None where the library gives up. The system ends it at its limit."""
    setrlimit(RLIMIT_CPU, (ceil(spent_seconds()) + seconds, ceil(spent_seconds()) + seconds))
    try:
        connection.send(work())
    except Exception:
        connection.send(None)


def spent_seconds() -> float:
    """Processor time of this process so far; a forked one begins at zero."""
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def within(seconds: int, work: Callable[[], np.ndarray]) -> np.ndarray | None:
    """The result of work that is done in a child process, None where it failed or took more processor time."""
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=answer_through, args=(there, seconds, work))
    child.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        return None
    finally:
        child.join()


def forecast(name: str, task: Task) -> np.ndarray:
    """Quantiles of every series: series x horizon x levels."""
    answers = floors.last_value(task)
    without_season = unanswered = 0
    for index, series in enumerate(filled(series) for series in task.history):
        for season in (task.season, 1):
            found = within(LIMIT_CPU_SECONDS, partial(quantiles, name, series, season, task.horizon, task.levels))
            if found is not None and np.isfinite(found).all():
                answers[index] = found
                break
            without_season += season > 1
            unanswered += season == 1
    if without_season:
        ended = f"{without_season} of {len(answers)} fits not done with the season, {unanswered} not without it either"
        print(f"{name}: {ended}", file=sys.stderr)
    return answers


def peers(version: str) -> list[Peer]:
    """All of them; slow ones."""
    key = f"{version}-{REVISION}"
    return [Peer(name, key, partial(forecast, name), slow=True) for name in models(1)]
