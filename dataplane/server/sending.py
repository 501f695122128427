"""A request on its way up, by callbacks: read as far as needed, and sent to a candidate that has an
endpoint.

What follows when that fails is in trying.py. A body is bytes: only `model` is replaced, and what a
provider of another protocol gets is translated (translated.py).
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Final, cast

from dataplane.llm.cache_markers import Marks, marked_body
from dataplane.llm.counted import counted
from dataplane.llm.unsealed import unsealed
from dataplane.llm.wire.body import peek, pieces_with_model, with_model
from dataplane.llm.wire.peek import Peek
from dataplane.observe.tally import Tally
from dataplane.routing.preference import INLINE
from dataplane.runtime.messages import LocalReply
from dataplane.server.auth.scope import forbidden, permitted
from dataplane.server.dial import Dial
from dataplane.server.incoming import Incoming
from dataplane.server.key_rings import seconds_of
from dataplane.server.limits.holding_up import hold
from dataplane.server.placing import Placing
from dataplane.upstream.connection import UpstreamConnection, last_open
from dataplane.upstream.endpoint import UpstreamEndpoint
from dataplane.upstream.errors import UpstreamFailure
from dataplane.wheel import TURN_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataplane.llm.hub.delta import Delta
    from dataplane.llm.wire.body import Piece
    from dataplane.resilience.commit import Startup
    from dataplane.resilience.throughput import Throughput
    from dataplane.server.again import Again
    from dataplane.server.candidates import Candidate
    from dataplane.server.filtered import Filtered
    from dataplane.server.front import Front
    from dataplane.server.holding import Holding
    from dataplane.server.late import LateQueue
    from dataplane.server.mended import Mended
    from dataplane.server.orders import Orders
    from dataplane.server.passing import Passing, Told
    from dataplane.server.race import Side
    from dataplane.server.rescue import Rescue
    from dataplane.server.serving import Lane, Records
    from dataplane.server.surface import Ask
    from dataplane.server.translated import Translated
    from dataplane.server.trials import Trials


LONG_BYTES: Final = 256 * 1024
"""Of a body, from which on it is sent as it is and not copied behind its head."""


class Sending(Placing):
    """The way up of an exchange; whoever inherits from it reads the answer."""

    __slots__ = (
        "_avoid",
        "_candidate",
        "_fresh",
        "_held",
        "_holding",
        "_key",
        "_lane",
        "_late_queue",
        "_pace",
        "_passing",
        "_peek",
        "_place",
        "_request",
        "_rescue",
        "_startup",
        "_touched",
        "_traceparent",
        "_translated",
        "_trials",
        "_until",
        "_upstream",
        "ask",
        "chunked",
        "deadline",
        "delivered",
        "dial",
        "front",
        "orders",
        "over",
        "records",
        "sent",
        "serving",
        "streams",
        "tally",
        "told",
    )

    dial: "Dial | None"
    """The connection that the attempt waits for; only set once one was dialled."""

    def __init__(
        self,
        front: "Front | Side | Filtered | Again",
        incoming: Incoming,
        ask: "Ask",
        tally: Tally,
        traceparent: bytes,
        orders: "Orders | None" = None,
    ) -> None:
        self.orders = orders
        self.told = orders.told if orders is not None else b""
        """Header lines of ours that the answer gets."""
        self.front: Front | Side | Filtered | Again = front
        self.ask = ask
        self.serving = serving = incoming.serving
        self.records: Records = serving.recorder
        """Is told the end of the exchange."""
        self.deadline = incoming.started + serving.timeout_s
        self._incoming = incoming
        self._traceparent = traceparent
        self._avoid: Sequence[UpstreamEndpoint] = ()
        """Endpoints of the candidate that have failed."""
        self._place = 0
        """Of the candidate, in its lane."""
        self._trials: Trials | None = None
        """What is tried after a failure; None before the first."""
        self._startup: Startup | None = None
        """The beginning of a stream that says nothing yet."""
        self._late_queue: LateQueue | None = None
        """Where it waits until it is late."""
        self._pace: Throughput | None = None
        """Of a stream that must not be too slow."""
        self._holding: Holding | None = None
        """A stream that the client wants whole."""
        self._held: list[bytes] | None = None
        """An answer that is passed on when it is whole."""
        self._passing: Passing | None = None
        """A stream that is being passed on."""
        self.delivered: Told[list[Delta]] | None = None
        """What the client has of a translated stream."""
        self._rescue: Rescue | None = None
        """Who goes on with a stream that broke."""
        self._fresh = False
        self._request: bytes | list[Piece]
        """As it is sent, until an answer begins."""
        self._candidate: Candidate | None = None
        self._endpoint = None
        self._taken = None
        self._translated: Translated | Mended | None = None
        """Who reads the answer, when the provider speaks another protocol."""
        self._upstream: UpstreamConnection | None = None
        self.sent = False
        """Whether the client has a part of its answer."""
        self.chunked = False
        self.streams = False
        """Whether the answer that has begun is plain server-sent events."""
        self.tally = tally
        self.over = False

    def start(self, known: Peek | None = None) -> None:
        """Read the request (or take what is `known`) and send it, or answer it."""
        ask = self.ask
        found: Peek | LocalReply
        if ask.model is None:
            found = known or peek(self._incoming.body, self.serving.surveys)
            if isinstance(found, LocalReply):
                self.refuse(found)
                return
        else:
            body = self._incoming.body
            found = Peek(body, ask.model, ask.stream, inline=INLINE in body)
        if found.inline and not self.tally.is_continued and ask.protocol is not None:
            self.over = True
            cast("Front", self.front).exchange(self._incoming, ask, self.tally)
            return
        self.tally.stream = found.stream
        serving = self.serving
        orders = self.orders
        principal = self._incoming.principal
        models = orders.models if orders is not None else ()
        if principal is not None and principal.models:
            wanted: Sequence[str | None] = models or (found.model,)
            if not permitted(serving.listener, principal, wanted):
                self.refuse(forbidden(wanted[0]))
                return
            models = permitted(serving.listener, principal, models)
        if models:
            lane = serving.lane_of(ask, models)
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
        if serving.limiter is not None and self.tally.charge is None:
            hold(self, serving.limiter, self._incoming, found, lane[0])
        else:
            self._attempt()

    def go(self) -> None:
        """Send it: its limits allow it."""
        if not self.over:
            self._attempt()

    def _attempt(self) -> None:
        """Send to the candidate, or to one after it when it has no endpoint left."""
        serving = self.serving
        lane = self._lane
        while self._place < len(lane):
            candidate = lane[self._place]
            if not candidate.breaker.calm and self._trials is None:
                self._put_in_order()
                lane = self._lane
                candidate = lane[self._place]
            endpoint = candidate.state.only
            if endpoint is None or self._avoid:
                endpoint = self._chosen(candidate)
            if endpoint is not None:
                break
            self._place += 1
            self._avoid = ()
        else:
            self._nowhere()
            return
        self._candidate = candidate
        self._endpoint = endpoint
        endpoint.active += 1
        front = self.front
        if self._trials is None:
            self._touched = sent_at = self._incoming.started
        else:
            self._touched = sent_at = serving.now()
            self._tell_who(candidate)
            self.front.due = self.deadline  # that of the attempt before has passed
            if self.deadline - sent_at < TURN_S:
                serving.services.wheel.soon(self.front)
        if not candidate.breaker.calm:
            candidate.breaker.sent(self, sent_at)
        patience_s = candidate.stream_patience_s if self.tally.stream else candidate.patience_s
        left = len(lane) - self._place
        if left > 1:  # there must be time for the others
            patience_s = min(patience_s, (self.deadline - sent_at) / left)
        self._until = until = sent_at + patience_s
        if until < self.deadline:
            front.due = until
            if patience_s < TURN_S:
                serving.services.wheel.soon(front)
        if self.sent:
            self._ask_again(candidate)
            return
        found = self._peek
        key = 0
        if not candidate.plain or self.orders is not None:
            if candidate.hedge_after_s and self._trials is None:
                self.hedge_later(candidate.hedge_after_s)
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
            found = unsealed_peek(found, ask)
        model = candidate.model
        if len(found.body) >= LONG_BYTES:
            same = found.model == model or bool(ask.model)
            pieces = (found.body,) if same else pieces_with_model(found, model)
            self._send_pieces(candidate, endpoint, b"", pieces, key)
            return
        self._request = candidate.message(
            endpoint,
            self._incoming,
            front.request_id,
            self._traceparent,
            found.body if found.model == model or ask.model else with_model(found, model),
            found.stream,
            ask.query,
            key,
        )
        self._send(endpoint)

    @property
    def marks(self) -> int:
        """See Orders."""
        return self.orders.marks if self.orders is not None else 0

    def _send(self, endpoint: UpstreamEndpoint) -> None:
        self.tally.attempts += 1
        reader = self._translated or self
        pool = endpoint.pool
        upstream = None if self._fresh else last_open(pool.free)
        if upstream is None:
            self.dial = Dial(self, reader)
            pool.dial(self.dial)
        else:
            self._upstream = upstream
            upstream.send(reader, self._request)

    def _send_pieces(
        self,
        candidate: "Candidate",
        endpoint: UpstreamEndpoint,
        body: bytes,
        rest: "Sequence[Piece]",
        key: int,
    ) -> None:
        """Send a body; the rest of a long one without a copy of it."""
        if rest and candidate.signs:  # what it cannot do piece by piece
            body, rest = b"".join((body, *rest)), ()
        message = candidate.message(
            endpoint,
            self._incoming,
            self.front.request_id,
            self._traceparent,
            body,
            self._peek.stream,
            self.ask.query,
            key,
            sum(map(len, rest)),
        )
        self._request = [message, *rest] if rest else message
        self._send(endpoint)

    def send_body(self, body: bytes, rest: "Sequence[Piece]" = ()) -> None:
        """Send a translated request to the candidate it was made for."""
        candidate = self._candidate
        endpoint = self._endpoint
        assert candidate is not None
        assert endpoint is not None
        self._send_pieces(candidate, endpoint, body, rest, self._key)

    def on_connected(self, upstream: UpstreamConnection) -> bool:
        """See Reader."""
        if self.over:
            return False
        self._upstream = upstream
        upstream.send(self._translated or self, self._request)
        return True

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
    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""

    @abstractmethod
    def hedge_later(self, after_s: float) -> None:
        """See after some seconds whether a second attempt is to be made beside the first."""

    @abstractmethod
    def _tell_who(self, candidate: "Candidate") -> None:
        """Have the answer say whose it is: not everything went as usual."""

    @abstractmethod
    def _put_in_order(self) -> None:
        """Have those candidates asked last whose breakers do not admit anybody."""

    @abstractmethod
    def _ask_again(self, candidate: "Candidate") -> None:
        """Ask for what is left of an answer that the client has a part of."""


def unsealed_peek(found: Peek, ask: "Ask") -> Peek:
    """The request without what providers of other protocols have signed."""
    body = unsealed(ask.shape, found.body)
    if body is found.body:
        return found
    again = peek(body) if ask.model is None else None
    return again if isinstance(again, Peek) else Peek(body, found.model, found.stream)
