"""Accepted resources, by kind and name: what a data plane keeps of the wire.

A Resources value is never changed; `with_changes` makes the next one and shares every kind that
stayed the same, so "did this kind change" is an identity test.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeVar, cast

V = TypeVar("V")


class ResourceKind(Enum):
    """The types we subscribe to, with their names for people.

    What is referred to comes before what refers to it; endpoints before their cluster, which is
    never seen without them.
    """

    ENDPOINTS = ("type.googleapis.com/outrider.v1.Endpoints", "endpoints")
    CLUSTER = ("type.googleapis.com/outrider.v1.Cluster", "cluster")
    MODEL_PROVIDER = ("type.googleapis.com/outrider.v1.ModelProvider", "model provider")
    AGENT = ("type.googleapis.com/outrider.v1.Agent", "agent")
    FILTER = ("type.googleapis.com/outrider.v1.Filter", "filter")
    MCP_SERVER = ("type.googleapis.com/outrider.v1.McpServer", "MCP server")
    TRACING = ("type.googleapis.com/outrider.v1.Tracing", "tracing")
    MODEL_METRICS = ("type.googleapis.com/outrider.v1.ModelMetrics", "model metrics")
    STATE_STORAGE = ("type.googleapis.com/outrider.v1.StateStorage", "state storage")
    ROUTE = ("type.googleapis.com/outrider.v1.Route", "route")
    PREFERENCE = ("type.googleapis.com/outrider.v1.RoutingPreference", "routing preference")
    MODEL_ROUTING = ("type.googleapis.com/outrider.v1.ModelRouting", "model routing")
    API_KEY = ("type.googleapis.com/outrider.v1.ApiKey", "API key")
    LIMITS_STORAGE = ("type.googleapis.com/outrider.v1.LimitsStorage", "limits storage")
    LIMIT = ("type.googleapis.com/outrider.v1.Limit", "limit")
    LISTENER = ("type.googleapis.com/outrider.v1.Listener", "listener")

    @property
    def url(self) -> str:
        """The type URL on the wire."""
        return self.value[0]

    @property
    def label(self) -> str:
        """What an operator calls it."""
        return self.value[1]


KIND_BY_URL: Mapping[str, ResourceKind] = MappingProxyType({k.url: k for k in ResourceKind})


@dataclass(frozen=True, slots=True)
class Decoded:
    """One resource: the bytes it came as (secrets unresolved) and the value made of them."""

    kind: ResourceKind
    name: str
    version: str
    body: bytes = field(repr=False)
    value: object
    fingerprint: int
    """A hash of kind, name and version; `Resources.version` adds them up."""


def fingerprint(kind: ResourceKind, name: str, version: str) -> int:
    """64 bits of a resource's identity."""
    text = f"{kind.url}\0{name}\0{version}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


Named = Mapping[str, Decoded]
NOTHING: Named = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything accepted, by kind and name."""

    by_kind: Mapping[ResourceKind, Named] = field(default_factory=dict)

    def of(self, kind: ResourceKind) -> Named:
        """The resources of one kind; the same object as long as that kind does not change."""
        return self.by_kind.get(kind, NOTHING)

    def values(self, kind: ResourceKind, of: type[V]) -> dict[str, V]:
        """The runtime values of one kind by name; `of` says what decode made them."""
        return {name: cast(V, one.value) for name, one in self.of(kind).items()}

    def with_changes(
        self, kind: ResourceKind, changed: Iterable[Decoded], removed: Iterable[str]
    ) -> "Resources":
        """The next set; itself when nothing is different."""
        before = self.of(kind)
        after = dict(before)
        for one in changed:
            after[one.name] = one
        for name in removed:
            after.pop(name, None)
        if len(after) == len(before) and all(before.get(n) is one for n, one in after.items()):
            return self
        return Resources({**self.by_kind, kind: after})

    def versions(self, kind: ResourceKind) -> dict[str, str]:
        """name -> version, as a reconnecting client reports what it has."""
        return {name: one.version for name, one in self.of(kind).items()}

    def type_versions(self) -> dict[str, str]:
        """Type URL -> a hash of the names and versions of that type."""
        sums = ((k.url, sum(one.fingerprint for one in self.of(k).values())) for k in ResourceKind)
        return {url: f"{total % (1 << 64):016x}" for url, total in sums}

    def version(self) -> str:
        """One word for all names and versions: equal content, equal version, in any order."""
        text = "\n".join(f"{url} {version}" for url, version in self.type_versions().items())
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
