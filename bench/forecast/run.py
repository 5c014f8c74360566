"""Measures Weft's forecasts beside those of its peers, on the same origins, with the same scorer, and prints the table.

`run.py --help` says what can be chosen. Each library gets one thread; processor time is reported, not wall time.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy is loaded; a peer that spreads over cores would only look faster

from argparse import ArgumentParser, Namespace
from pathlib import Path
import logging
import sys
import warnings

import numpy as np

import data
import roster
import table
import weft
from cache import Cache
from peers import Peer, Run, Task, timed
from score import LEVELS, Score, score, seasonal_scale

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
SLOW_STRIDE = 3  # slow peers see every third series


def arguments(words: list[str]) -> Namespace:
    """The command line as values."""
    parser = ArgumentParser(prog="bench-forecast", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=PROJECT.parent / "shared" / "data", help="the shared data's folder"
    )
    parser.add_argument("--weft", type=Path, default=PROJECT / "target" / "release" / "weft", help="the binary")
    parser.add_argument("--models", default="auto", help="Weft's models, with commas; empty for none")
    parser.add_argument("--peers", default="quick", help="names with commas, or quick (default), slow, all, none")
    parser.add_argument("--sets", default="azure", help=f"data sets, with commas: {', '.join(data.BUILDERS)}")
    parser.add_argument("--origins", type=int, default=10, help="origins for the quick peers")
    parser.add_argument("--slow-origins", type=int, default=2, help="origins for the slow peers and their table")
    parser.add_argument("--groups", help="print only these groups, with commas (dev while developing)")
    parser.add_argument("--missing", type=float, default=0.0, help="share of samples lost, in bursts")
    parser.add_argument("--history", type=int, help="show only so many of the newest steps")
    parser.add_argument("--threads", type=int, default=1, help="threads for Weft")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where forecasts are kept")
    parser.add_argument("--fresh", action="store_true", help="forecast anew, whatever is kept")
    parser.add_argument("--details", action="store_true", help="also print coverage at exact distances and one-sided")
    return parser.parse_args(words)


def task_at(dataset: data.Dataset, variant: data.Variant, origin: int, stride: int) -> Task:
    """What is asked at one origin."""
    shown = variant.shown(dataset, origin)[::stride]
    first = origin - shown.shape[1]
    return Task(shown, first, dataset.step_seconds, dataset.season, dataset.horizon, LEVELS, dataset.time(first))


def run_peer(
    peer: Peer, dataset: data.Dataset, variant: data.Variant, origins: np.ndarray, stride: int, cache: Cache
) -> list[Run]:
    """The forecasts of one peer at all origins, from what was kept where it was."""
    runs = []
    for done, origin in enumerate(origins):
        task = task_at(dataset, variant, int(origin), stride)
        where = f"{dataset.name}/{variant.name}" + (f"/every{stride}" if stride > 1 else "")
        path = cache.path(where, f"{peer.name.replace(' ', '-')}-{peer.version}", int(origin), task)
        run = cache.get(path)
        if run is None:
            progress(f"{dataset.name} {variant.name}: {peer.name}, origin {done + 1} of {len(origins)}")
            run = timed(peer.forecast, task)
            cache.put(path, run)
        runs.append(run)
    return runs


def progress(line: str) -> None:
    """Says on a terminal what is going on, and nothing in a pipe."""
    if sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)


def thin(runs: list[Run], stride: int) -> list[Run]:
    """The same forecasts for every so-many-th series; what they cost was paid for all."""
    share = [len(run.quantiles[::stride]) / len(run.quantiles) for run in runs]
    return [
        Run(run.quantiles[::stride], run.cpu_seconds * part, run.wall_seconds * part) for run, part in zip(runs, share)
    ]


def rows(
    runs: dict[str, list[Run]], dataset: data.Dataset, origins: np.ndarray, stride: int, members: np.ndarray
) -> list[table.Row]:
    """One row for each forecaster: its score over the members of a group, and its cost a series."""
    truth = np.stack([dataset.truth(int(origin))[::stride] for origin in origins])[:, members]
    histories = (dataset.history(int(origin))[::stride][members] for origin in origins)
    scale = np.stack([seasonal_scale(history, dataset.season) for history in histories])
    quantiles = {name: np.stack([run.quantiles for run in of])[:, members] for name, of in runs.items()}
    floor = quantiles[roster.FLOOR]
    judged: dict[str, Score] = {
        name: score(truth, forecast, floor, scale, dataset.distances) for name, forecast in quantiles.items()
    }
    cost = {name: float(np.mean([run.cpu_seconds / len(run.quantiles) for run in of])) for name, of in runs.items()}
    return [table.Row(name, judged[name], cost[name]) for name in runs]


def report(
    dataset: data.Dataset, runs: dict[str, list[Run]], origins: np.ndarray, stride: int, chosen: Namespace, title: str
) -> None:
    """Prints the tables of one data set, one for each group."""
    groups = chosen.groups.split(",") if chosen.groups else list(dataset.groups)
    for group in (group for group in groups if group in dataset.groups):
        members = dataset.groups[group][::stride]
        if members.any():
            heading = f"{title}, {group}: {members.sum()} series, {len(origins)} origins"
            judged = rows(runs, dataset, origins, stride, members)
            print(table.render(heading, judged, list(dataset.distances), chosen.details), flush=True)


def measure(name: str, chosen: Namespace, peers: list[Peer], cache: Cache) -> None:
    """One data set: the quick ones on all series, then all of them where the slow ones ran."""
    dataset, variant = data.load(name, chosen.data), data.Variant(chosen.missing, chosen.history)
    title = name if variant.name == "whole" else f"{name} ({variant.name})"
    origins = dataset.origins(chosen.origins)
    quick = {peer.name: run_peer(peer, dataset, variant, origins, 1, cache) for peer in peers if not peer.slow}
    report(dataset, quick, origins, 1, chosen, title)
    slow = [peer for peer in peers if peer.slow]
    if not slow:
        return
    # Evenly spread among the origins of the others, so that nobody has to forecast again.
    places = np.unique(np.linspace(0, len(origins) - 1, chosen.slow_origins + 2).round().astype(int)[1:-1])
    few = {peer: thin([runs[place] for place in places], SLOW_STRIDE) for peer, runs in quick.items()}
    few |= {peer.name: run_peer(peer, dataset, variant, origins[places], SLOW_STRIDE, cache) for peer in slow}
    report(dataset, few, origins[places], SLOW_STRIDE, chosen, f"{title}, every third series")


def main() -> int:
    """Runs what was asked for; 2 for wrong input and 3 where the binary failed, as Weft's own commands do."""
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)  # libraries that miss a plotting package say so as an error
    chosen = arguments(sys.argv[1:])
    try:
        own = [model for model in chosen.models.split(",") if model]
        if own and not chosen.weft.exists():
            raise ValueError(f"no binary at {chosen.weft}; build it, name another by --weft, or give --models ''")
        peers = roster.choose(chosen.peers) + (weft.models(chosen.weft, own, chosen.threads) if own else [])
        for name in chosen.sets.split(","):
            measure(name, chosen, peers, Cache(chosen.cache, chosen.fresh))
    except ValueError as error:
        print(f"bench-forecast: {error}", file=sys.stderr)
        return 2
    except weft.Failed as error:
        print(f"bench-forecast: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
