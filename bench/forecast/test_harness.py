"""Holds scorer, floors and data to values that can be reckoned by hand: `python -m unittest` in this folder."""

import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import data
import floors
import score
import weft
from peers import Task

LEVELS = score.LEVELS
COUNT = len(LEVELS)


def task(history: list[list[float]], season: int = 2, horizon: int = 3) -> Task:
    start = pd.Timestamp("2017-01-02T00:00:00Z")
    return Task(np.array(history, float), 0, 300, season, horizon, LEVELS, start)


def one(truth: float, quantiles: np.ndarray) -> tuple[float, float]:
    """Coverage of the two-sided and the one-sided interval, for one truth."""
    low, high = score.transform(np.array([[[truth]]]), quantiles[None, None, None])
    bands = [score.share_within(low, high, *band) for band in ((0.025, 0.975), (0.0, 0.95))]
    return tuple(float(band.item()) for band in bands)


class Losses(unittest.TestCase):
    def test_the_loss_of_one_step_is_that_of_the_definition(self):
        truth, forecast = np.full((1, 1, 1), 3.0), np.full((1, 1, 1, COUNT), 1.0)
        self.assertAlmostEqual(score.quantile_losses(truth, forecast, 1)[0, 0], 2 * sum(n / 10 for n in range(1, 10)))

    def test_only_steps_up_to_the_distance_count(self):
        truth, forecast = np.array([[[1.0, 9.0]]]), np.full((1, 1, 2, COUNT), 1.0)
        self.assertEqual(score.quantile_losses(truth, forecast, 1)[0, 0], 0)
        self.assertGreater(score.quantile_losses(truth, forecast, 2)[0, 0], 0)

    def test_the_ratio_is_a_geometric_mean_without_what_the_floor_knows_exactly(self):
        self.assertAlmostEqual(score.loss_ratio(np.array([1.0, 4.0, 5.0]), np.array([2.0, 2.0, 0.0])), 1.0)

    def test_an_undefined_forecast_makes_its_ratio_undefined(self):
        truth, forecast = np.ones((1, 1, 1)), np.full((1, 1, 1, COUNT), np.nan)
        self.assertTrue(np.isnan(score.loss_ratio(score.quantile_losses(truth, forecast, 1), np.ones(1))))


class Coverage(unittest.TestCase):
    def test_truths_inside_outside_and_on_ties(self):
        spread = np.arange(1.0, COUNT + 1)
        half_zero = np.where(LEVELS <= 0.5, 0.0, LEVELS)
        cases = [
            ("inside", 7.5, spread, 1, 1),
            ("below", 0.5, spread, 0, 1),
            ("above", 99.0, spread, 0, 0),
            ("between the upper two", 12.5, spread, 1, 0),
            ("on the lowest", 1.0, spread, 1, 1),
            ("constant and right", 5.0, np.full(COUNT, 5.0), 0.95, 0.95),
            ("constant and wrong", 5.1, np.full(COUNT, 5.0), 0, 0),
            ("mass at zero up to the middle", 0.0, half_zero, 0.475 / 0.5, 1),
        ]
        for name, truth, quantiles, two_sided, one_sided in cases:
            with self.subTest(name):
                found = one(truth, quantiles)
                self.assertAlmostEqual(found[0], two_sided)
                self.assertAlmostEqual(found[1], one_sided)

    def test_an_honest_forecast_is_covered_as_it_claims(self):
        random = np.random.default_rng(1)
        ranks = np.quantile(np.arange(100_001) / 100_000, LEVELS)
        forecast = np.broadcast_to(ranks, (10, 20, 50, COUNT))
        low, high = score.transform(random.random((10, 20, 50)), forecast)
        inside = score.share_within(low, high, 0.025, 0.975)
        self.assertAlmostEqual(score.coverage(inside, slice(0, 50)).pooled, 0.95, delta=0.01)


class Floors(unittest.TestCase):
    def test_the_last_season_comes_again_with_its_own_errors(self):
        found = floors.seasonal_naive(task([[1, 5, 2, 6, 3, 7]]))
        np.testing.assert_allclose(found[0], np.repeat([[4.0], [8.0], [4.0]], COUNT, axis=1))

    def test_a_gap_in_the_last_season_is_looked_up_in_the_one_before(self):
        np.testing.assert_allclose(floors.newest_season(np.array([[1, 5, np.nan, 6.0]]), 2), [[1, 6]])

    def test_nothing_is_below_zero_and_levels_are_in_order(self):
        history = np.random.default_rng(2).exponential(1, (3, 40))
        for floor in (floors.seasonal_naive, floors.last_value):
            found = floor(task(history.tolist()))
            self.assertGreaterEqual(found.min(), 0)
            self.assertGreaterEqual(np.diff(found, axis=-1).min(), 0)

    def test_a_series_without_a_sample_gets_zeros(self):
        for floor in (floors.seasonal_naive, floors.last_value):
            self.assertTrue((floor(task([[np.nan] * 6])) == 0).all())


class Data(unittest.TestCase):
    def test_gaps_take_their_share_and_never_reach_the_truth(self):
        values = np.random.default_rng(3).random((3000, 20))
        hours = data.hourly("test", values, [str(n) for n in range(20)], pd.Timestamp("2017-01-02T00:00:00Z"))
        gapped = data.Variant(missing=0.15)
        shown = gapped.shown(hours, 2900)
        self.assertAlmostEqual(np.isnan(shown).mean(), 0.15, delta=0.03)
        self.assertFalse(np.isnan(hours.truth(2900)).any())
        # The same sample is lost at every origin that looks back on it.
        np.testing.assert_array_equal(np.isnan(shown[:, :2000]), np.isnan(gapped.shown(hours, 2000)))

    def test_origins_leave_room_for_the_horizon(self):
        hours = data.hourly("test", np.zeros((700, 1)), ["a"], pd.Timestamp("2017-01-02T00:00:00Z"))
        origins = hours.origins(10)
        self.assertEqual((origins[0], origins[-1] + 48, len(origins)), (336, 700, 10))


class Binary(unittest.TestCase):
    def test_a_stand_in_for_weft_is_asked_and_read_as_documented(self):
        asked = task([[1, np.nan, 2], [3, 4, 5]])
        with TemporaryDirectory() as folder:
            binary = Path(folder) / "weft"
            binary.write_text(f"#!{sys.executable}\n{STAND_IN}")
            binary.chmod(0o755)
            found = weft.forecast(binary, "auto", 1, asked)
        np.testing.assert_allclose(found[1, :, 0], [5.025, 5.025, 5.025])
        np.testing.assert_allclose(found[1, :, 6], [5.5, 5.5, 5.5])
        self.assertTrue(np.isnan(found[0]).all(), "what is left out stays undefined")

    def test_a_failure_is_told_with_what_was_said(self):
        with TemporaryDirectory() as folder:
            binary = Path(folder) / "weft"
            binary.write_text("#!/bin/sh\necho 'no such model' >&2\nexit 2\n")
            binary.chmod(0o755)
            with self.assertRaisesRegex(weft.Failed, "ended with 2: no such model"):
                weft.forecast(binary, "auto", 1, task([[1, 2, 3]]))


# Forecasts only the second series: its last value plus the level.
STAND_IN = """
import csv, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert (sys.argv[1], words["--step"], words["--model"], words["-o"]) == ("forecast", "5m", "auto", "csv")
rows = list(csv.DictReader(open(words["--input"])))
assert [row["value"] for row in rows] == ["1.0", "", "2.0", "3.0", "4.0", "5.0"]
levels = words["--levels"].split(",")
print("series,timestamp,model," + ",".join("q" + level for level in levels))
for step in range(int(words["--horizon"])):
    print(f"s1,2017-01-02T00:{15 + 5 * step}:00Z,auto," + ",".join(str(5 + float(level)) for level in levels))
"""

if __name__ == "__main__":
    unittest.main()
