"""GluonTS DeepAR (Salinas et al. 2020), the known recurrent network: one for all series, as it comes, for as long as it may.

Its training gets a fixed processor time a series instead of a number of epochs, so that a comparison at equal budget is
one of methods. It must see nothing but the history.
"""

from tempfile import TemporaryDirectory
from time import process_time
import logging
import os

import numpy as np
import pandas
import torch
from gluonts.dataset.pandas import PandasDataset
from gluonts.torch.model.deepar import DeepAREstimator
from lightning.pytorch.callbacks import Callback

from peers import Task

REVISION = 1
# Processor seconds of training a series: what Weft's network takes of them, for a hundred series.
BUDGET_SECONDS = float(os.environ.get("DEEPAR_SECONDS", "1.2"))
PATHS = 100
CONTEXT_SEASONS = 1


class Budget(Callback):
    """Ends the training when its processor time is spent."""

    def __init__(self, seconds: float):
        self.end = process_time() + seconds

    def on_train_batch_end(self, trainer, *_):
        if process_time() > self.end:
            trainer.should_stop = True


def frames(task: Task) -> PandasDataset:
    """The histories with their times, as GluonTS takes them."""
    index = pandas.date_range(task.start, periods=task.history.shape[1], freq=f"{task.step_seconds}s")
    return PandasDataset(
        {str(number): pandas.DataFrame({"target": values}, index=index) for number, values in enumerate(task.history)},
        freq=f"{task.step_seconds // 60}min" if task.step_seconds < 3600 else "h",
    )


def deep_ar(task: Task) -> np.ndarray:
    """Quantiles of every series and step: series x horizon x levels."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    np.random.seed(1)
    with TemporaryDirectory() as folder:
        predictor = estimator(task, folder).train(frames(task), cache_data=True)
        answers = [forecast.samples for forecast in predictor.predict(frames(task))]
    quantiles = np.quantile(np.stack(answers), task.levels, axis=1)  # levels x series x horizon
    return np.maximum(np.moveaxis(quantiles, 0, -1), 0)


def estimator(task: Task, folder: str) -> DeepAREstimator:
    """DeepAR as it comes, but for its end."""
    return DeepAREstimator(
        freq="5min" if task.step_seconds == 300 else "h",
        prediction_length=task.horizon,
        context_length=CONTEXT_SEASONS * task.season,
        num_feat_static_cat=0,
        num_parallel_samples=PATHS,
        batch_size=32,
        num_batches_per_epoch=50,
        trainer_kwargs={
            "max_epochs": 10_000,
            "accelerator": "cpu",
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "default_root_dir": folder,  # GluonTS keeps its best weights there
            "callbacks": [Budget(BUDGET_SECONDS * len(task.history))],
        },
    )
