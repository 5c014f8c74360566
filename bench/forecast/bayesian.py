"""Prophet as it comes: trend changes, daily and weekly seasons, quantiles of predictive samples; series by series."""

import logging

import numpy as np
import pandas as pd
from prophet import Prophet

from peers import Task

REVISION = 1
SAMPLES = 300


def quantiles(series: np.ndarray, times: pd.DatetimeIndex, task: Task) -> np.ndarray:
    """Fits one series; gaps are left out, as Prophet wants it: horizon x levels, cut at zero."""
    model = Prophet(uncertainty_samples=SAMPLES)
    model.fit(pd.DataFrame({"ds": times[: len(series)], "y": series}), seed=1)
    np.random.seed(1)  # predictive_samples draws from the global generator
    drawn = model.predictive_samples(pd.DataFrame({"ds": times[len(series) :]}))["yhat"]
    return np.maximum(np.quantile(drawn, task.levels, axis=1).T, 0)


def forecast(task: Task) -> np.ndarray:
    """Quantiles of every series: series x horizon x levels. A series with one sample keeps its value."""
    logging.getLogger("cmdstanpy").disabled = True
    steps = task.history.shape[1] + task.horizon
    times = pd.date_range(task.start.tz_localize(None), periods=steps, freq=pd.Timedelta(seconds=task.step_seconds))
    answers = np.zeros((len(task.history), task.horizon, len(task.levels)))
    for index, series in enumerate(task.history):
        if (~np.isnan(series)).sum() > 1:
            answers[index] = quantiles(series, times, task)
        elif not np.isnan(series).all():
            answers[index] = np.nanmax(series)
    return answers
