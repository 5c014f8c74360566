"""The two floors, last season and last value, each with the empirical quantiles of its own past errors.

They are what every other forecaster is measured against, so they must stay simple: no parameter is fitted.
"""

import warnings

import numpy as np

from peers import Task


def known_quantiles(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Empirical quantiles of the known values (series x times): series x levels, zero where none is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a series without a single value gets zeros
        return np.nan_to_num(np.nanquantile(values, levels, axis=1).T)


def newest_season(history: np.ndarray, season: int) -> np.ndarray:
    """The newest known value of every phase of the season, in the order of the phases to come: series x season."""
    found = np.full((len(history), season), np.nan)
    for back in range(1, history.shape[1] // season + 1):
        end = history.shape[1] - (back - 1) * season
        found = np.where(np.isnan(found), history[:, end - season : end], found)
    middle = known_quantiles(history, np.array([0.5]))
    return np.where(np.isnan(found), middle, found)


def newest_value(history: np.ndarray) -> np.ndarray:
    """The newest known value of every series, zero where nothing is known."""
    known = ~np.isnan(history)
    index = history.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    return np.where(known.any(1), history[np.arange(len(history)), index], 0.0)


def seasonal_naive(task: Task) -> np.ndarray:
    """The last season plus the quantiles of y(t) - y(t-season), cut at zero. Without two seasons: the last value."""
    history = task.history
    if history.shape[1] < 2 * task.season:
        return last_value(task)
    errors = known_quantiles(history[:, task.season :] - history[:, : -task.season], task.levels)
    season = np.tile(newest_season(history, task.season), -(-task.horizon // task.season))[:, : task.horizon]
    return np.maximum(season[:, :, None] + errors[:, None, :], 0)


def last_value(task: Task) -> np.ndarray:
    """The last value plus the quantiles of y(t+h) - y(t) for each h that half of the history can show, cut at zero."""
    history = task.history
    longest = max(1, history.shape[1] // 2)
    quantiles = np.empty((len(history), task.horizon, len(task.levels)))
    for ahead in range(1, min(task.horizon, longest) + 1):
        quantiles[:, ahead - 1] = known_quantiles(history[:, ahead:] - history[:, :-ahead], task.levels)
    # Further ahead than a short history can show, errors grow as those of a random walk do.
    for ahead in range(longest + 1, task.horizon + 1):
        quantiles[:, ahead - 1] = quantiles[:, longest - 1] * np.sqrt(ahead / longest)
    return np.maximum(newest_value(history)[:, None, None] + quantiles, 0)
