"""Which forecasters stand beside Weft. Their libraries are loaded here, before anybody's time is taken."""

from importlib.metadata import version
from importlib.util import find_spec

import floors
from peers import Peer

FLOOR = "last season"


def libraries() -> list[Peer]:
    """The peers whose libraries are installed."""
    peers = []
    if find_spec("lightgbm"):
        import boosting

        peers.append(Peer("LightGBM", f"{version('lightgbm')}-{boosting.REVISION}", boosting.light_gbm))
    if find_spec("flaircast"):
        import flair

        peers.append(Peer("FLAIR", f"{version('flaircast')}-{flair.REVISION}", flair.forecast))
    if find_spec("statsforecast"):
        import statistical

        peers += statistical.peers(version("statsforecast"))
    if find_spec("prophet"):
        import bayesian

        peers.append(Peer("Prophet", f"{version('prophet')}-{bayesian.REVISION}", bayesian.forecast, slow=True))
    if find_spec("gluonts") and find_spec("torch"):
        import recurrent

        deep = f"{version('gluonts')}-{recurrent.REVISION}-{recurrent.BUDGET_SECONDS:g}s"
        peers.append(Peer("DeepAR", deep, recurrent.deep_ar, slow=True))
    return peers


def choose(names: str) -> list[Peer]:
    """The floors, and the peers of that name (with commas), or `quick`, `slow`, `all`, `none`."""
    always = [
        Peer(FLOOR, "1", floors.seasonal_naive),
        Peer("last value", "1", floors.last_value),
    ]
    there = libraries()
    groups = {
        "quick": [peer for peer in there if not peer.slow],
        "slow": [peer for peer in there if peer.slow],
        "all": there,
        "none": [],
    }
    if names in groups:
        return always + groups[names]
    known = {peer.name: peer for peer in there}
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise ValueError(f"no peer named {', '.join(unknown)}; there are {', '.join(known)}, quick, slow, all, none")
    return always + [known[name] for name in names.split(",")]
