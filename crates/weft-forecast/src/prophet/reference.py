"""Makes reference.csv: what the Python package `prophet` forecasts for the data that tests/data.rs makes too.

python -m venv VENV && VENV/bin/pip install prophet==1.5.0
VENV/bin/python reference.py > reference.csv
VENV/bin/python reference.py speed      # CPU seconds of a fit and a prediction, children (Stan) included
"""

import logging
import resource
import sys

import numpy as np
import pandas as pd
from prophet import Prophet

logging.disable(logging.CRITICAL)

AIR_PASSENGERS = """
112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140 145 150 178 163 172 178
199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194 196 196 236 235 229 243 264 272 237 211 180 201
204 188 235 227 234 264 302 293 259 229 203 229 242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374
413 405 355 306 271 306 315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432
"""
EPOCH = pd.Timestamp("2024-01-01")


class Noise:
    """A linear congruential generator (Knuth's and Lewis's constants), nearly normal by a sum of four."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return self.state / 2**32

    def normal(self):
        return (sum(self.uniform() for _ in range(4)) - 2.0) * 3.0**0.5


def wave(hours, period):
    return np.sin(2 * np.pi * hours / period)


def values_of(case, steps, hours_a_step):
    noise = Noise(7)
    values = []
    for step in range(steps):
        hours = step * hours_a_step
        day, week, half = wave(hours, 24), wave(hours + 30, 168), wave(hours, 12)
        eps = noise.normal()
        bend = 0.01 * hours + (0.05 * (hours - 300) if hours > 300 else 0.0)
        if case == "multiplicative":
            value = (40 + bend) * (1 + 0.2 * day + 0.1 * week) + 1.5 * eps
        elif case == "logistic":
            value = 10 + 80 / (1 + np.exp(-(hours - 250) / 80)) + 4 * day + 2 * eps
        elif case == "events":
            value = 50 + 0.01 * step + 4 * wave(step, 7) + (15 if step % 90 == 40 else 0)
            value += (6 if step % 90 == 41 else 0) - (5 if step % 60 == 11 else 0) + 1.5 * eps
        elif case == "regressors":
            value = 40 + 0.01 * hours + 6 * day + 2.5 * load(step) + 2 * eps
            value *= 1 + 0.3 * campaign(step)
        elif case == "flat":
            value = 20 + 5 * day + 2 * half + 2 * eps
        else:
            value = 60 + bend + 10 * day + 3 * half + 5 * week + 3 * eps
        values.append(np.float32(value))
    return values


def load(step):
    return 3 + 2 * wave(step, 37) + wave(step, 11)


def campaign(step):
    return 1.0 if step % 130 >= 118 else 0.0


def is_gap(step):
    return step * 7919 % 11 == 0 or 200 <= step < 250


def frame(case, steps, hours_a_step, keep=lambda step: True):
    at = [EPOCH + pd.Timedelta(hours=step * hours_a_step) for step in range(steps)]
    data = pd.DataFrame({"ds": at, "y": np.array(values_of(case, steps, hours_a_step), dtype=float)})
    return data[[keep(step) for step in range(steps)]]


def loss(model):
    """Minus the logarithm of the posterior at what Stan found, up to the constant that the Rust side leaves out too."""
    found = {name: values[0] for name, values in model.params.items()}
    rate, offset, bends, beta = found["k"][0], found["m"][0], found["delta"], found["beta"]
    sigma, time, places = found["sigma_obs"][0], model.history["t"].values, model.changepoints_t
    columns, scales, joined, _ = model.make_all_seasonality_features(model.history)
    if model.growth == "linear":
        trend = model.piecewise_linear(time, bends, rate, offset, places)
    elif model.growth == "logistic":
        trend = model.piecewise_logistic(time, model.history["cap_scaled"].values, bends, rate, offset, places)
    else:
        trend = np.full(len(time), offset)
    share = columns.values @ (beta * joined["multiplicative_terms"].values)
    added = columns.values @ (beta * joined["additive_terms"].values)
    squares = ((model.history["y_scaled"].values - trend * (1 + share) - added) ** 2).sum()
    priors = (rate**2 + offset**2) / 50 + np.abs(bends).sum() / 0.05 + ((beta / np.array(scales)) ** 2).sum() / 2
    return len(time) * np.log(sigma) + squares / (2 * sigma**2) + 2 * sigma**2 + priors


def report(case, model, known, future, every):
    np.random.seed(1)
    model.uncertainty_samples = 4000
    forecast = model.predict(future)
    print(f"{case},sigma,{model.params['sigma_obs'][0][0] * model.y_scale:.5g},{loss(model):.3f},,")
    first = known["ds"].min()
    for index in range(0, len(future), every):
        row = forecast.iloc[index]
        hours = round((row.ds - first) / pd.Timedelta(hours=1), 6)
        numbers = (row.yhat, row.trend, row.yhat_lower, row.yhat_upper)
        print(f"{case},{hours:g}," + ",".join(f"{number:.5g}" for number in numbers))


def ahead(known, steps, hours_a_step):
    at = [EPOCH + pd.Timedelta(hours=step * hours_a_step) for step in range(steps)]
    return pd.DataFrame({"ds": at})


def events():
    sales = [EPOCH + pd.Timedelta(days=day) for day in range(600) if day % 90 == 40]
    repair = [EPOCH + pd.Timedelta(days=day) for day in range(600) if day % 60 == 10]
    return pd.concat([
        pd.DataFrame({"holiday": "sale", "ds": sales, "lower_window": -1, "upper_window": 2, "prior_scale": 10.0}),
        pd.DataFrame({"holiday": "repair", "ds": repair, "lower_window": 0, "upper_window": 1, "prior_scale": 0.02}),
    ])


def references():
    print("case,hours,yhat,trend,lower,upper")
    air = pd.DataFrame({"ds": pd.date_range("1949-01-01", periods=144, freq="MS"),
                        "y": [float(text) for text in AIR_PASSENGERS.split()]})
    future = pd.DataFrame({"ds": pd.date_range("1949-01-01", periods=168, freq="MS")})
    for mode in ["additive", "multiplicative"]:
        report(f"air {mode}", Prophet(seasonality_mode=mode).fit(air), air, future, 4)
    for case in ["additive", "multiplicative", "flat"]:
        known = frame(case, 672, 1)
        mode = "multiplicative" if case == "multiplicative" else "additive"
        growth = "flat" if case == "flat" else "linear"
        model = Prophet(seasonality_mode=mode, growth=growth).fit(known)
        report(case, model, known, ahead(known, 840, 1), 17)
    known = frame("additive", 672, 1, lambda step: not is_gap(step))
    report("gaps", Prophet().fit(known), known, ahead(known, 840, 1).iloc[1:], 17)
    known = frame("additive", 4032, 1 / 12)
    report("five minutes", Prophet().fit(known), known, ahead(known, 4320, 1 / 12), 89)
    known, future = frame("logistic", 672, 1), ahead(None, 840, 1)
    for data in [known, future]:
        data["cap"], data["floor"] = 100.0, 5.0
    report("logistic", Prophet(growth="logistic").fit(known), known, future, 17)
    known = frame("events", 500, 24)
    model = Prophet(holidays=events(), yearly_seasonality=False).fit(known)
    report("events", model, known, ahead(known, 560, 24), 5)
    known, future = frame("regressors", 672, 1), ahead(None, 840, 1)
    for data in [known, future]:
        data["load"] = [load(step) for step in range(len(data))]
        data["campaign"] = [campaign(step) for step in range(len(data))]
    model = Prophet()
    model.add_regressor("load", prior_scale=0.5)
    model.add_regressor("campaign", mode="multiplicative")
    report("regressors", model.fit(known), known, future, 13)
    known = frame("additive", 672, 1)
    model = Prophet(daily_seasonality=False, weekly_seasonality=2)
    model.add_seasonality("half day", period=0.5, fourier_order=2, prior_scale=0.01)
    model.add_seasonality("day", period=1, fourier_order=3, mode="multiplicative")
    report("custom", model.fit(known), known, ahead(known, 840, 1), 17)


def cpu_seconds():
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def speed():
    known = frame("additive", 4032, 1 / 12)
    future = ahead(known, 4320, 1 / 12).iloc[4032:]
    for name, samples in [("without intervals", 0), ("1000 samples", 1000)]:
        for _ in range(4):
            before = cpu_seconds()
            model = Prophet(uncertainty_samples=samples).fit(known)
            fitted = cpu_seconds()
            model.predict(future)
            print(f"{name}: fit {fitted - before:.3f} s, predict 288 steps {cpu_seconds() - fitted:.3f} s")


if __name__ == "__main__":
    speed() if sys.argv[1:] == ["speed"] else references()
