"""Keeps what peers forecast, so that a rerun costs only what changed.

The key names everything a forecast depends on: data set, variant, origin, series, the peer with its version, and a
digest of the very numbers it was given. Nothing else may be read from a kept file than the forecast and its cost.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
import os

import numpy as np

from peers import Run, Task


def digest(task: Task) -> str:
    """A short name for all that a task asks, the history's values included."""
    asked = (task.first_index, task.step_seconds, task.season, task.horizon, task.levels.tolist(), task.history.shape)
    return sha256(repr(asked).encode() + np.ascontiguousarray(task.history).tobytes()).hexdigest()[:12]


@dataclass(frozen=True)
class Cache:
    """Forecasts in a folder, one file each."""

    folder: Path
    fresh: bool = False  # answer nothing, only keep

    def path(self, where: str, who: str, origin: int, task: Task) -> Path:
        return self.folder / where / who / f"{origin}-{digest(task)}.npz"

    def get(self, path: Path) -> Run | None:
        """The forecast kept there, if there is one."""
        if self.fresh or not path.exists():
            return None
        with np.load(path) as kept:
            return Run(kept["quantiles"].astype(float), float(kept["cpu_seconds"]), float(kept["wall_seconds"]))

    def put(self, path: Path, run: Run) -> None:
        """Keeps a forecast. A run that is stopped halfway leaves no file that a later one would believe."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        with open(partial, "wb") as file:
            np.savez_compressed(
                file,
                quantiles=run.quantiles.astype(np.float32),
                cpu_seconds=run.cpu_seconds,
                wall_seconds=run.wall_seconds,
            )
        partial.replace(path)
