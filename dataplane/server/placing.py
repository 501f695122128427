"""Which endpoint of a candidate gets an attempt, and what it is told of the attempt's end.

The rule: what is taken of an endpoint (a request under way, a permit) is given back exactly once,
in `_part_with`. What decides is in dataplane/balancing/, by way of upstream/cluster.py.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.upstream.hash_key import hash_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataplane.llm.prefix_key import Key
    from dataplane.llm.wire.peek import Peek
    from dataplane.observe.record import ExchangeRecord
    from dataplane.observe.tally import Tally
    from dataplane.server.candidates import Candidate
    from dataplane.server.incoming import Incoming
    from dataplane.server.serving import Serving
    from dataplane.server.trials import Trials
    from dataplane.upstream.cluster import ClusterState
    from dataplane.upstream.endpoint import UpstreamEndpoint
    from dataplane.upstream.permits import Permit

_NO_ENDPOINT = LocalReply(
    503,
    "No endpoint of this model's provider can be used now.",
    ResponseDetail.NO_USABLE_ENDPOINT,
)
_FULL = LocalReply(
    503,
    "This model's provider has as many requests as its circuit breakers allow.",
    ResponseDetail.UPSTREAM_OVERFLOW,
)


_GOOD_ENDS: Final = (ResponseDetail.VIA_UPSTREAM, ResponseDetail.DOWNSTREAM_GONE)


class Taken:
    """What an attempt has of a cluster that has circuit breakers, or that measures its answers."""

    __slots__ = ("_endpoint", "_key", "_sent_s", "_state", "permit")

    def __init__(
        self,
        permit: "Permit | None",
        state: "ClusterState | None" = None,
        endpoint: "UpstreamEndpoint | None" = None,
        key: "Key" = (),
        sent_s: float = 0.0,
    ) -> None:
        """`state` is that of a cluster that measures; `key` is what the endpoint was picked by, and
        `sent_s` from the request's start to when it was sent there.
        """
        self.permit = permit
        self._state = state
        self._endpoint = endpoint
        self._key = key
        self._sent_s = sent_s

    @property
    def watch(self) -> "Callable[[ExchangeRecord], None] | None":
        """What is told of the exchange, if its answer is this attempt's."""
        return self._measured if self._state is not None else None

    def _measured(self, record: "ExchangeRecord") -> None:
        if self._state is not None and self._endpoint is not None:
            self._state.measured(self._endpoint, self._key, self._sent_s, record)


_REFUSED = Taken(None)
"""By circuit breakers."""


class Placing(ABC):
    """The part of an exchange that knows one endpoint at a time."""

    __slots__ = ("_endpoint", "_incoming", "_taken")

    _endpoint: "UpstreamEndpoint | None"
    _taken: "Taken | None"
    """For the attempt, besides the endpoint; None: nothing."""
    _incoming: "Incoming"

    # (what whoever inherits has)
    _avoid: "Sequence[UpstreamEndpoint]"
    _peek: "Peek"
    _trials: "Trials | None"
    serving: "Serving"
    tally: "Tally"

    def _chosen(self, candidate: "Candidate") -> "UpstreamEndpoint | None":
        """The endpoint of a candidate where there is something to decide; None: it has none."""
        state = candidate.state
        key: Key = ()
        if state.hashes:
            found = self._peek
            key = hash_key(
                state.cluster.balancing,
                self._header,
                found.body,
                found.model or candidate.model,
                found.survey,
            )
        endpoint = state.pick(key, self._avoid)
        if endpoint is None and self._avoid:
            # the others have gone since it was decided to try once more
            endpoint = state.pick(key)
        if endpoint is None:
            return None
        permit = None
        if state.guarded:
            permit = state.permits.take(endpoint, candidate.route.priority)
            if permit is None:
                self._taken = _REFUSED
                return None
        if state.measures:
            started = self._incoming.started
            sent_s = self.serving.now() - started if self._trials is not None else 0.0
            self._taken = Taken(permit, state, endpoint, key, sent_s)
        else:
            self._taken = Taken(permit) if permit is not None else None
        return endpoint

    def _header(self, name: str) -> bytes:
        incoming = self._incoming
        wanted = name.encode()
        for sent, value in zip(incoming.names, incoming.values, strict=True):
            if sent.lower() == wanted:
                return bytes(value)
        return b""

    def _part_with(self, endpoint: "UpstreamEndpoint") -> None:
        """It has nothing more to do for this request."""
        endpoint.active -= 1
        self._endpoint = None
        taken = self._taken
        if taken is not None:
            self._taken = None
            if taken.permit is not None:
                taken.permit.close()

    def _nowhere(self) -> None:
        """No candidate has an endpoint that may be tried."""
        self.refuse(_FULL if self._taken is _REFUSED else _NO_ENDPOINT)

    def _tell_end(self, watch: "ClusterState", endpoint: "UpstreamEndpoint") -> None:
        """An answer was good. It is told at its end only: an endpoint that begins well and breaks
        off each time is none that answers.
        """
        if self.tally.detail in _GOOD_ENDS:
            watch.answered(endpoint, self.tally.status)

    def tell_endpoint(self, status: int) -> None:
        """What came of an attempt that failed, for whoever balances: the status of an error, 0 for
        no answer, or none that is whole.
        """
        endpoint = self._endpoint
        if endpoint is not None and endpoint.watch is not None:
            if status:
                endpoint.watch.answered(endpoint, status)
            else:
                endpoint.watch.failed(endpoint)

    @abstractmethod
    def refuse(self, reply: LocalReply) -> None:
        """Answer by ourselves."""
