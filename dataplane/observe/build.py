"""What this data plane is made of: which version, and whether its hot path is machine code.

Nothing goes another way because of it; it is told, so that figures of two fleets can be compared.
"""

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from dataplane.observe.metrics import Metrics

ABOUT = "Workers by version and by whether their hot path is compiled (deploy/compiled.py)."


def is_compiled(origin: str | None) -> bool:
    """Whether a module that came from this file is machine code."""
    return not (origin or "").endswith(".py")


def tell(metrics: Metrics, origin: str | None) -> None:
    """Lend the gauge; `origin` is the file of a module on the hot path."""
    labels = (_version(), str(is_compiled(origin)).lower())
    metrics.gauge("outrider_build_info", ABOUT, ("version", "compiled"), lambda: {labels: 1.0})


@cache
def _version() -> str:
    try:
        return version("outrider")
    except PackageNotFoundError:  # a tree that nobody has installed
        return "unknown"
