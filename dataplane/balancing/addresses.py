"""Which endpoints a cluster has when the names among them are looked up (pure).

The rule: nothing is lost by looking: a name without a known address stays an endpoint by itself,
and whoever dials it looks it up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_address

from dataplane.runtime.config import Cluster, Endpoint

MAX_ADDRESSES = 256
"""Of one name: a DNS answer over UDP has far fewer, and each costs a place in every worker."""

Addresses = tuple[str, ...]


def names(clusters: Iterable[Cluster]) -> dict[str, float]:
    """The names to look up, and how often, in seconds: as often as the most eager cluster says."""
    found: dict[str, float] = {}
    for cluster in clusters:
        for name in names_of(cluster):
            found[name] = min(found.get(name, cluster.dns_refresh_s), cluster.dns_refresh_s)
    return found


def names_of(cluster: Cluster) -> Iterator[str]:
    """The names of one cluster that are looked up; none when they are left to who dials."""
    if cluster.dns_refresh_s > 0.0:
        for endpoint in cluster.endpoints:
            if not is_address(endpoint.host):
                yield endpoint.host


def expanded(cluster: Cluster, known: Mapping[str, Addresses]) -> Cluster:
    """The cluster with an endpoint for each address of its names; itself when that is the same.

    Every address has weight, priority and zone of its name's entry. Who is named twice is one
    endpoint, as whoever comes first says.
    """
    if not any(name in known for name in names_of(cluster)):
        return cluster
    places: dict[tuple[str, int], Endpoint] = {}
    for endpoint in cluster.endpoints:
        for host in known.get(endpoint.host, (endpoint.host,)):
            one = endpoint
            if host != endpoint.host:
                one = replace(endpoint, host=host, hostname=endpoint.host)
            places.setdefault((one.host, one.port), one)
    return replace(cluster, endpoints=tuple(places.values()))


def usable(found: Sequence[str]) -> Addresses:
    """Of what a look-up gave, in its order, what is taken: sorted, one family, no doubles.

    Both families of a name are usually the same machines; the resolver puts the one that can be
    reached first (RFC 6724), and its answers come in another order each time.
    """
    if not found:
        return ()
    of_six = ":" in found[0]
    family = {address for address in found if (":" in address) is of_six}
    return tuple(sorted(family, key=lambda address: ip_address(address.partition("%")[0]).packed))[
        :MAX_ADDRESSES
    ]


@lru_cache(4096)  # a name costs 3 us, and each configuration looks at all of them
def is_address(host: str) -> bool:
    """Whether a host is an IP address and not a name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
