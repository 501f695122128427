"""A request on its way up, by callbacks: read as far as needed, sent to the first candidate that
has an endpoint, sent again when nothing can have been done with it.

That is: when there was no connection, or once when a kept one was closed before any byte of an
answer. A body is bytes: only `model` is replaced, and what a provider of another protocol gets is
translated (translated.py).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataplane.balancing.least_request import pick
from dataplane.llm.cache_markers import Marks, marked_body
from dataplane.llm.counted import counted
from dataplane.llm.unsealed import unsealed
from dataplane.llm.wire.body import Peek, peek, with_model
from dataplane.observe.tally import Tally
from dataplane.routing.preference import INLINE
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.incoming import Incoming
from dataplane.server.key_rings import seconds_of
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.upstream.pool import EndpointPool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataplane.server.candidates import Candidate
    from dataplane.server.front import Front
    from dataplane.server.serving import Lane
    from dataplane.server.surface import Ask
    from dataplane.server.translated import Translated

MAX_CONNECT_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Orders:
    """What somebody who has looked at a request before has decided about it."""

    models: "Sequence[str]" = ()
    """Tried in this order, instead of the one that the request names."""
    told: bytes = b""
    """Header lines that the answer gets."""
    marks: int = 0
    """From how many tokens on a provider is told what to cache, unless 0."""


class Sending(ABC):
    """The way up of an exchange; whoever inherits from it reads the answer."""

    __slots__ = (
        "_avoid",
        "_candidate",
        "_endpoint",
        "_failure",
        "_fresh",
        "_incoming",
        "_key",
        "_lane",
        "_peek",
        "_request",
        "_traceparent",
        "_translated",
        "_upstream",
        "ask",
        "chunked",
        "front",
        "orders",
        "over",
        "sent",
        "serving",
        "tally",
    )

    def __init__(
        self,
        front: "Front",
        incoming: Incoming,
        ask: "Ask",
        tally: Tally,
        traceparent: bytes,
        orders: "Orders | None" = None,
    ) -> None:
        self.orders = orders
        self.front = front
        self.ask = ask
        self.serving = incoming.serving
        self._incoming = incoming
        self._traceparent = traceparent
        self._avoid: Sequence[EndpointPool] = ()
        self._failure: UpstreamFailure | None = None
        self._fresh = False
        self._candidate: Candidate | None = None
        self._endpoint: EndpointPool | None = None
        self._translated: Translated | None = None
        """Who reads the answer, when the provider speaks another protocol."""
        self._upstream: UpstreamConnection | None = None
        self.sent = False
        """Whether the client has a part of its answer."""
        self.chunked = False
        self.tally = tally
        self.over = False

    def start(self) -> None:
        """Read the request and send it; answers by itself when that is not possible."""
        ask = self.ask
        found: Peek | LocalReply
        if ask.model is None:
            found = peek(self._incoming.body)
            if isinstance(found, LocalReply):
                self.refuse(found)
                return
        else:
            body = self._incoming.body
            found = Peek(body, ask.model, ask.stream, inline=INLINE in body)
        if found.inline and not self.tally.is_continued and ask.operation.protocol is not None:
            self.over = True
            self.front.exchange(self._incoming, ask, self.tally)
            return
        self.tally.stream = found.stream
        serving = self.serving
        orders = self.orders
        if orders is not None and orders.models:
            lane = serving.lane_of(ask, orders.models)
        else:
            lane = serving.lanes[ask.place].get(found.model) or serving.lane(ask, found.model)
        if isinstance(lane, LocalReply):
            self.refuse(lane)
            return
        self.tally.model = found.model
        if not lane:
            self.refuse(counted(ask.operation, found.body, found.model or ""))
            return
        self._peek = found
        self._lane: Lane = lane
        self._attempt()

    def _attempt(self) -> None:
        """Send to the next endpoint that was not tried, or give up."""
        serving = self.serving
        avoid = self._avoid
        for candidate in self._lane:
            endpoint = candidate.only
            if endpoint is not None and not avoid:
                break
            endpoint = pick(candidate.endpoints, serving.random.random, avoid)
            if endpoint is not None and len(avoid) < MAX_CONNECT_ATTEMPTS:
                break
        else:
            self._give_up()
            return
        self._candidate = candidate
        self._endpoint = endpoint
        endpoint.active += 1
        found = self._peek
        key = 0
        if not candidate.plain or self.orders is not None:
            if candidate.keys is not None:
                key = candidate.keys.pick(serving.now())
            self._key = key
            if candidate.target is not None:
                self._translated = self.translated()
                self._translated.ask(candidate, found, self.marks)
                return
            if self.marks and candidate.marks is not Marks.NONE:
                again = peek(marked_body(found.body, candidate.marks, self.marks))
                found = again if isinstance(again, Peek) else found
        ask = self.ask
        if ask.signed:
            found = _unsealed(found, ask)
        model = candidate.model
        self._request = candidate.message(
            endpoint,
            self._incoming,
            self.front.request_id,
            self._traceparent,
            found.body if found.model == model or ask.model else with_model(found, model),
            found.stream,
            ask.query,
            key,
        )
        self._send(endpoint)

    @property
    def told(self) -> bytes:
        """Header lines that the answer gets from whoever has looked at the request before."""
        return self.orders.told if self.orders is not None else b""

    @property
    def marks(self) -> int:
        """See Orders."""
        return self.orders.marks if self.orders is not None else 0

    def _send(self, endpoint: EndpointPool) -> None:
        self.tally.attempts += 1
        reader = self._translated or self
        upstream = None if self._fresh else endpoint.take()
        if upstream is None:
            endpoint.dial(reader)
        else:
            self._upstream = upstream
            upstream.send(reader, self._request)

    def send_body(self, body: bytes) -> None:
        """Send a translated request to the candidate it was made for."""
        candidate = self._candidate
        endpoint = self._endpoint
        assert candidate is not None
        assert endpoint is not None
        self._request = candidate.message(
            endpoint,
            self._incoming,
            self.front.request_id,
            self._traceparent,
            body,
            self._peek.stream,
            self.ask.query,
            self._key,
        )
        self._send(endpoint)

    def on_connected(self, upstream: UpstreamConnection) -> bool:
        """See Reader."""
        if self.over:
            return False
        self._upstream = upstream
        upstream.send(self._translated or self, self._request)
        return True

    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""
        if self.over:
            return
        self._upstream = None
        endpoint = self._endpoint
        if endpoint is not None and failure.phase is Phase.STALE and not self._fresh:
            self._fresh = True
            self._send(endpoint)
            return
        if endpoint is not None and failure.phase is Phase.CONNECT:
            self._failure = failure
            self._avoid = [*self._avoid, endpoint]
            self._translated = None
            endpoint.active -= 1
            self._endpoint = None
            self._attempt()
            return
        self.fail(failure)

    def _give_up(self) -> None:
        failure = self._failure
        if failure is None:
            self.refuse(
                LocalReply(
                    503,
                    "No endpoint of this model's provider is known.",
                    ResponseDetail.NO_USABLE_ENDPOINT,
                )
            )
        else:
            self.refuse(LocalReply(failure.status, failure.message, failure.detail))

    def forget_request(self, upstream: UpstreamConnection) -> None:
        """An answer has begun: it may last, and there will be no second attempt."""
        self._request = self._incoming.body = b""
        del self._peek
        self.tell_keys(upstream)

    def tell_keys(self, upstream: UpstreamConnection) -> None:
        """What the provider thinks of the key, if it has several."""
        candidate = self._candidate
        if candidate is not None and candidate.keys is not None:
            after = next((v for n, v in upstream.headers if n.lower() == b"retry-after"), b"")
            candidate.keys.outcome(
                self._key, upstream.status, seconds_of(after), self.serving.now()
            )

    @abstractmethod
    def translated(self) -> "Translated":
        """Who goes between the client and a provider of another protocol."""

    @abstractmethod
    def on_answer(self, upstream: UpstreamConnection, body: bytes, done: bool) -> None:
        """See Reader."""

    @abstractmethod
    def refuse(self, reply: LocalReply) -> None:
        """Answer by ourselves."""

    @abstractmethod
    def fail(self, failure: UpstreamFailure) -> None:
        """There is no whole answer: say so, or cut what was begun."""


def _unsealed(found: Peek, ask: "Ask") -> Peek:
    """The request without what providers of other protocols have signed."""
    body = unsealed(ask.shape, found.body)
    if body is found.body:
        return found
    again = peek(body) if ask.model is None else None
    return again if isinstance(again, Peek) else Peek(body, found.model, found.stream)
