"""One ADS stream over all types: which update goes out next.

The rule: make before break. Additions go out in the order of ResourceType, each type once the one
before it is acknowledged, so that a node is never told of a route whose provider it refused;
removals follow in reverse order when every addition is acknowledged. All additions of a snapshot
take effect with the last of them (`Update.more`): a provider's key never goes to the address of
the next one. A refusal holds the rest of its snapshot back: the node keeps what it had. A snapshot
that arrives meanwhile replaces the one under way, so a burst of changes becomes few updates.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import ResourceType
from controlplane.xds.edition import Edition, Library
from controlplane.xds.subscription import Refusal, Subscription, Update

log = logging.getLogger(__name__)

_KINDS = {kind.url: kind for kind in ResourceType}
LISTENER = ResourceType.LISTENER.url
# A client may ask for types forever; say so for the first few only.
_UNKNOWN_LOGGED = 8
# A refusal is kept per node and type and shown to people: long enough for a reason, short enough
# for a thousand nodes.
_REASON_BYTES = 1024


class Answer(Enum):
    """What a request says of the update in flight."""

    NONE = "none"
    ACK = "ack"
    NACK = "nack"


@dataclass(frozen=True, slots=True)
class Heard:
    """What one request meant; `version` is the snapshot answered for, `reason` a refusal's."""

    kind: ResourceType | None
    answer: Answer = Answer.NONE
    version: str = ""
    reason: str = ""


# One for all streams that say so.
@lru_cache(maxsize=64)
def _acknowledged(kind: ResourceType, version: str) -> Heard:
    return Heard(kind, Answer.ACK, version)


@dataclass(frozen=True, slots=True)
class TypeState:
    """Where a node stands with one type."""

    kind: ResourceType
    acked_version: str
    refusal: Refusal | None
    pending: bool


class Stream:
    """A fold over one stream's requests and the editions it is offered."""

    __slots__ = (
        "_last",
        "_library",
        "_name",
        "_ordered",
        "_owes",
        "_subscriptions",
        "_unknown",
        "_whole",
    )

    def __init__(self, name: str, library: Library) -> None:
        self._name = name
        self._library = library
        self._subscriptions: dict[str, Subscription] = {}
        # The same in the order of their types: this is read at each ack.
        self._ordered: tuple[Subscription, ...] = ()
        # Whether the node has taken what takes effect with more that is to come, and the nonce of
        # the update that was its end.
        self._owes = False
        self._last = ""
        self._unknown: set[str] = set()
        self._whole = ""

    def receive(self, request: ads_pb2.DeltaDiscoveryRequest, now: float) -> Heard:
        """Take a request, at wall time `now`: a change of interest, an answer, or both."""
        subscription = self._subscriptions.get(request.type_url)
        if subscription is None:
            kind = _KINDS.get(request.type_url)
            if kind is None:
                self._ignore(request.type_url)
                return Heard(None)
            subscription = self._begin(kind)
            self._change(subscription, request)
        elif request.resource_names_subscribe or request.resource_names_unsubscribe:
            self._change(subscription, request)
        heard = self._answered(subscription, request, now)
        if self._owes and heard.answer is Answer.ACK and request.response_nonce == self._last:
            self._owes = False
        return heard

    def _begin(self, kind: ResourceType) -> Subscription:
        made = self._subscriptions[kind.url] = Subscription(kind, self._library)
        known = (self._subscriptions.get(each.url) for each in ResourceType)
        self._ordered = tuple(each for each in known if each is not None)
        return made

    @staticmethod
    def _change(subscription: Subscription, request: ads_pb2.DeltaDiscoveryRequest) -> None:
        subscription.change(
            request.resource_names_subscribe,
            request.resource_names_unsubscribe,
            dict(request.initial_resource_versions),
        )

    @staticmethod
    def _answered(
        subscription: Subscription, request: ads_pb2.DeltaDiscoveryRequest, now: float
    ) -> Heard:
        kind, nonce = subscription.kind, request.response_nonce
        if not nonce:
            return Heard(kind)
        # A refusal is one because it says so, whatever versions it names.
        if request.HasField("error_detail"):
            reason = legible(request.error_detail.message)
            version = subscription.nack(nonce, reason, now)
            if version is None:
                return Heard(kind)
            return Heard(kind, Answer.NACK, version, reason)
        version = subscription.ack(nonce)
        return _acknowledged(kind, version) if version is not None else Heard(kind)

    def _ignore(self, type_url: str) -> None:
        if type_url not in self._unknown and len(self._unknown) < _UNKNOWN_LOGGED:
            self._unknown.add(type_url)
            log.warning("node %s asked for unknown type %r: ignored", self._name, type_url[:200])

    def next(self, edition: Edition) -> Update | None:
        """The update to send now, or None when an answer, or another edition, must come first."""
        sets = edition.sets
        # At each change and at each ack nearly all types are at rest, and there is nothing to ask.
        astir = [each for each in self._ordered if each.rests_on is not sets[each.kind]]
        is_held_back = (
            bool(edition.guards) and LISTENER in self._subscriptions and self._leaves_out(edition)
        )
        for place, subscription in enumerate(astir, 1):
            if is_held_back and subscription.kind is ResourceType.LISTENER:
                break
            update = subscription.additions(edition)
            if update is not None:
                if any(later.has_news(edition) for later in astir[place:]):
                    # An end that is in flight is that of an earlier change.
                    self._owes, self._last = True, ""
                    return update._replace(more=True)
                self._last = update.nonce
                return update
            if not subscription.settled(edition):
                return None
        if is_held_back:
            return None
        if self._owes:
            # Another edition took the place of the one of which more was to come.
            update = self._ordered[-1].nothing_more(edition)
            self._last = update.nonce
            return update
        for subscription in reversed(astir):
            update = subscription.removals(edition)
            if update is not None or not subscription.settled(edition):
                return update
        # Listeners are asked for last; before that a node has all only of the types it named so
        # far.
        if LISTENER in self._subscriptions:
            self._whole = edition.version
        return None

    def _leaves_out(self, edition: Edition) -> bool:
        """Whether the node does not ask for what it must not ignore: it would let through what the
        operator has forbidden, so it gets no listener and keeps those that it has.
        """
        return any(url not in self._subscriptions for url in edition.guards)

    @property
    def whole_version(self) -> str:
        """The snapshot the node last acknowledged whole; empty before the first."""
        return self._whole

    def types(self) -> Iterator[TypeState]:
        """Where the node stands, type by type, in their order."""
        for each in self._ordered:
            yield TypeState(each.kind, each.acked_version, each.refusal, each.pending)


def legible(reason: str) -> str:
    """A peer's words made safe to log and to print: no control characters, at most 1 KiB."""
    printable = "".join(char if char.isprintable() else " " for char in reason[: 2 * _REASON_BYTES])
    return printable.encode()[:_REASON_BYTES].decode(errors="ignore").strip()
