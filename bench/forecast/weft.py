"""Weft's models, called as anyone would call them: a CSV in, `weft forecast`, a CSV out.

Nothing about the binary is assumed but its documented command line. What it leaves out counts as undefined.
"""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
import subprocess

import numpy as np
import pandas as pd

from peers import Peer, Task


class Failed(Exception):
    """The binary ended with an error."""


def write_history(path: Path, task: Task) -> None:
    """The history as long CSV, `series,timestamp,value`, a gap as an empty value."""
    times = pd.date_range(task.start, periods=task.history.shape[1], freq=pd.Timedelta(seconds=task.step_seconds))
    stamps = times.strftime("%Y-%m-%dT%H:%M:%SZ").to_numpy()
    count, length = task.history.shape
    frame = pd.DataFrame(
        {
            "series": np.repeat([f"s{index}" for index in range(count)], length),
            "timestamp": np.tile(stamps, count),
            "value": task.history.ravel(),
        }
    )
    frame.to_csv(path, index=False)


def read_forecast(text: Path, task: Task) -> np.ndarray:
    """The quantiles of `series,timestamp,model,q…`: series x horizon x levels; NaN where there is no row or level."""
    frame = pd.read_csv(text, dtype={"series": str})
    given = {float(name[1:]): name for name in frame.columns if name.startswith("q")}
    series = frame["series"].str.removeprefix("s").astype(int).to_numpy()
    first = task.start + pd.Timedelta(seconds=task.step_seconds * task.history.shape[1])
    since = (pd.to_datetime(frame["timestamp"], utc=True) - first).dt.total_seconds().to_numpy()
    step = np.round(since / task.step_seconds).astype(int)
    inside = (step >= 0) & (step < task.horizon)
    quantiles = np.full((len(task.history), task.horizon, len(task.levels)), np.nan)
    for column, level in enumerate(task.levels):
        name = next((name for other, name in given.items() if abs(other - level) < 1e-9), None)
        if name is not None:
            quantiles[series[inside], step[inside], column] = frame[name].to_numpy(float)[inside]
    return quantiles


def step_text(seconds: int) -> str:
    """A step as the command line writes it: 5m, 30m, 1h."""
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}m"


def command(binary: Path, model: str, task: Task, history: Path) -> list[str]:
    """The call, word by word."""
    levels = ",".join(f"{level:g}" for level in task.levels)
    words = [str(binary), "forecast", "--input", str(history), "--horizon", str(task.horizon)]
    return words + ["--step", step_text(task.step_seconds), "--levels", levels, "--model", model, "-o", "csv"]


def forecast(binary: Path, model: str, threads: int, task: Task) -> np.ndarray:
    """Runs the binary once over all series of the task."""
    with TemporaryDirectory(prefix="weft-bench-") as folder:
        history, answer = Path(folder) / "history.csv", Path(folder) / "forecast.csv"
        write_history(history, task)
        with open(answer, "w") as out:
            done = subprocess.run(
                command(binary, model, task, history),
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                env={"RAYON_NUM_THREADS": str(threads), "PATH": "/usr/bin:/bin"},
            )
        if done.returncode != 0:
            raise Failed(f"weft forecast --model {model} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return read_forecast(answer, task)


def models(binary: Path, names: list[str], threads: int) -> list[Peer]:
    """One forecaster for each model; the binary's digest is its version."""
    version = sha256(binary.read_bytes()).hexdigest()[:12]
    return [
        Peer(f"weft {name}", version, lambda task, name=name: forecast(binary, name, threads, task)) for name in names
    ]
