"""Filter chains for `user_space`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from dataplane.filters.builtin import made
from dataplane.runtime.config import Cluster, Endpoint, Filter


@dataclass(frozen=True, slots=True)
class Chains:
    """Of one listener."""

    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    filters: Mapping[str, Filter] = field(default_factory=dict)
    asks: bool = False
    """Whether a service is asked about each request."""


NO_CHAINS = Chains()
SERVICE = Cluster("filter:echo", (Endpoint("127.0.0.1", 8),))
"""Of filters that ask somebody."""
_CLASSES = {
    "in": ("Looks", 10),
    "in_def": ("Glances", 10),
    "in_one": ("Glances", 1),
    "head": ("Greets", 1),
    "out": ("Hears", 1),
    "out_ten": ("Hears", 10),
    "out_reads": ("Reads", 1),
}
"""The class of a chain's filters (filters.py), and how many there are."""
FILTERED = tuple(
    f"{kind}+{chain}"
    for kind in ("json", "burst", "paced", "chat_to_messages", "chat_to_messages_burst")
    for chain in (*_CLASSES, "http")
)
"""Kinds of requests, and the chains that they pass."""


def chains_of(chain: str) -> Chains:
    """The filters of a chain, made."""
    if chain == "http":
        asks = Filter("echo", kind="http", cluster=SERVICE.name)
        return Chains((asks.id,), (), {asks.id: replace(asks, made=made(asks))}, asks=True)
    name, count = _CLASSES[chain]
    settings = msgspec.json.encode({"class": f"tests.bench.filters:{name}"}).decode()
    filters = {}
    for at in range(count):
        spec = Filter(f"{name.lower()}{at}", kind="python", settings=settings)
        filters[spec.id] = replace(spec, made=made(spec))
    names = tuple(filters)
    return Chains(names, (), filters) if chain.startswith("in") else Chains((), names, filters)
