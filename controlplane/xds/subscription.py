"""One node's interest in one type, and what it holds of it.

The rule: at most one unanswered Update at a time, and a refused Update is not sent again until the
snapshot changes.

What a node holds is a reference to the shared type set it acknowledged last, plus the few names it
still holds beyond that set (leftovers): removals are sent later than additions, so that nothing is
taken away before what replaces it is there. A refusal leaves both as they were, because a data
plane applies all of an update or nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.xds.edition import LEAVES, Edition, Library, Sent, TypeSet, body, empty

WILDCARD = "*"


# A tuple: a push makes one for each stream, and a frozen dataclass takes three times as long.
class Update(NamedTuple):
    """One response to send; its bytes but for the nonce are shared between streams."""

    kind: ResourceType
    version: str
    nonce: str
    body: bytes
    more: bool = False
    """Whether other types of the same change follow, with which this one takes effect."""

    def wire(self) -> bytes:
        """The message as it is sent."""
        return self.body + _own(self.nonce, self.more)


# Streams that opened together count alike.
@lru_cache(maxsize=256)
def _own(nonce: str, more: bool) -> bytes:
    """What a stream's update has for itself."""
    return ads_pb2.DeltaDiscoveryResponse(nonce=nonce, more=more).SerializeToString()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A node would not have an update."""

    version: str
    reason: str
    at: float


_NONE: frozenset[str] = frozenset()


class Subscription:
    """A fold over requests and editions; one per type and stream."""

    __slots__ = (
        "_acked",
        "_again",
        "_asked",
        "_base",
        "_count",
        "_greeted",
        "_leftovers",
        "_library",
        "_names",
        "_nonce",
        "_reported",
        "_sent",
        "_started",
        "_wildcard",
        "kind",
        "refusal",
        "rests_on",
    )

    def __init__(self, kind: ResourceType, library: Library) -> None:
        self.kind = kind
        self.refusal: Refusal | None = None
        self.rests_on: TypeSet | None = None
        """The set with which there is nothing to do: the node holds it, no more, and all is
        answered."""
        self._library = library
        self._started = False
        self._greeted = False
        self._wildcard = False
        self._names = _NONE
        # Names to answer for whatever the node is thought to hold, now or (again) when the
        # snapshot changes.
        self._asked = _NONE
        self._again = _NONE
        self._base = empty(kind)
        self._reported: Mapping[str, str] | None = None
        self._leftovers: tuple[str, ...] = ()
        self._sent: Sent | None = None
        self._nonce = ""
        self._acked = ""
        self._count = 0

    @property
    def pending(self) -> bool:
        """An update is in flight."""
        return self._sent is not None

    @property
    def acked_version(self) -> str:
        """The snapshot of the last acknowledged update; empty before the first."""
        return self._acked

    def change(
        self,
        subscribe: Collection[str],
        unsubscribe: Collection[str],
        reported: Mapping[str, str],
    ) -> None:
        """Apply a request's change of interest; `reported` counts in the first one only."""
        if not self._started:
            self._started = True
            # Nothing named in the first request means everything, as Envoy's clients have always
            # said it.
            self._wildcard = not subscribe or WILDCARD in subscribe
            # The one empty set there is: eight of its own were 1.7 kB a stream.
            self._names = (frozenset(subscribe) - {WILDCARD}) or _NONE
            self._reported = dict(reported)
            self._asked = (self._names - reported.keys()) or _NONE
            return
        self._interest(subscribe, unsubscribe)
        self._settle()

    def _interest(self, subscribe: Collection[str], unsubscribe: Collection[str]) -> None:
        if WILDCARD in unsubscribe:
            self._wildcard = False
            self._leftovers = tuple(name for name in self._leftovers if name in self._names)
        dropped = self._names.intersection(unsubscribe)
        if dropped:
            self._forget(dropped)
        if WILDCARD in subscribe:
            self._restart()
        named = frozenset(subscribe) - {WILDCARD}
        self._names |= named
        self._asked |= named

    def _forget(self, names: frozenset[str]) -> None:
        self._names -= names
        self._again -= names
        if self._wildcard:
            # The node drops its copy although the wildcard still covers it: tell it again where it
            # stands.
            self._asked |= names
        else:
            self._asked -= names
            self._leftovers = tuple(name for name in self._leftovers if name not in names)

    def _restart(self) -> None:
        """Everything was asked for anew: send it all, remembering what may have to be removed."""
        held = {*self._leftovers, *self._interesting(self._base.versions)}
        if self._sent is not None:
            held.update(self._interesting(self._sent.base.versions))
        self._wildcard = True
        self._leftovers = tuple(held)
        self._base = empty(self.kind)
        if self._sent is not None:
            # Its answer no longer says what the node holds.
            self._sent = Sent(self._sent.version, self._base, self._leftovers, _NONE)

    def ack(self, nonce: str) -> str | None:
        """The node took the update in flight: its version, or None if this answers nothing."""
        sent = self._sent
        if sent is None or self._nonce != nonce:
            return None
        if sent.base is self._base and self._blocked_at(sent.version):
            # Sent around a refusal (names asked for since): the set itself is still refused.
            self._again |= sent.asked
        else:
            self.refusal = None
        self._base, self._leftovers = sent.base, sent.leftovers
        self._sent, self._nonce = None, ""
        self._acked = sent.version
        self._settle()
        return sent.version

    def _settle(self) -> None:
        """Find out whether there is anything to do; after whatever may change it."""
        astir = self._sent or self.refusal or self._asked or self._leftovers
        self.rests_on = self._base if self._greeted and not astir else None

    def nack(self, nonce: str, reason: str, at: float) -> str | None:
        """The node refused the update in flight, at wall time `at`; as `ack`."""
        sent = self._sent
        if sent is None or self._nonce != nonce:
            return None
        self._sent, self._nonce = None, ""
        self._again |= sent.asked
        self.refusal = Refusal(sent.version, reason, at)
        self._settle()
        return sent.version

    def _blocked_at(self, version: str) -> bool:
        return self.refusal is not None and self.refusal.version == version

    def settled(self, edition: Edition) -> bool:
        """Nothing in flight and nothing refused: types that depend on this one may follow."""
        return self._sent is None and not self._blocked_at(edition.version)

    def has_news(self, edition: Edition) -> bool:
        """Whether `additions` will have something to send, as far as can be seen now."""
        new = edition.sets[self.kind]
        if not self._greeted or self._asked:
            return True
        base = self._base if self._sent is None else self._sent.base
        if new is base or self._blocked_at(edition.version):
            return False
        difference = self._library.difference(base, new)
        gone = self.kind in LEAVES and bool(difference.gone)
        return gone or bool(self._of_interest(difference.changed))

    def nothing_more(self, edition: Edition) -> Update:
        """An empty update, with which what came before takes effect; call once all is settled."""
        sent = Sent(edition.version, self._base, self._leftovers, _NONE)
        return self._send(sent, body(self.kind, edition.version, (), ()))

    def additions(self, edition: Edition) -> Update | None:
        """What is new or changed; with removals only where nothing can depend on them."""
        if self._sent is not None:
            return None
        new = edition.sets[self.kind]
        if new is self._base and self._greeted and self.refusal is None and not self._asked:
            return None
        if self.rests_on is self._base and self._wildcard and not self._again:
            # What nearly all streams do at nearly all changes is found out once.
            step = self._library.step(self._base, edition)
            if step.body is not None:
                return self._send(step.sent, step.body)
            self._base, self._leftovers = new, step.sent.leftovers
            self._settle()
            return None
        if self._reported is not None:
            self._base = self._library.reported(new, self._interesting(self._reported))
            self._reported = None
        if self._blocked_at(edition.version):
            return self._around_refusal(edition.version, new)
        asked = self._asked | self._again
        self._asked = self._again = _NONE
        difference = self._library.difference(self._base, new)
        leftovers = self._merge(difference.gone, new)
        missing = tuple(
            sorted(name for name in asked if name not in new.versions and name not in leftovers)
        )
        removed = (*missing, *leftovers) if self.kind in LEAVES else missing
        kept = () if self.kind in LEAVES else leftovers
        changed = self._of_interest(difference.changed)
        extra = self._extra(asked, changed, new)
        if not changed and not extra and not removed and self._greeted:
            self._base, self._leftovers = new, kept
            self.refusal = None
            self._settle()
            return None
        self._greeted = True
        sent = Sent(edition.version, new, kept, asked)
        if self._wildcard and not extra:
            ready = self._library.shared_body(edition.version, self._base, new, removed)
        else:
            ready = body(self.kind, edition.version, (*changed, *extra), removed)
        return self._send(sent, ready)

    def _around_refusal(self, version: str, new: TypeSet) -> Update | None:
        """Answer names asked for since; the refused set waits for another snapshot."""
        asked, self._asked = self._asked, _NONE
        if not asked:
            return None
        found = [new.resources[name] for name in sorted(asked) if name in new.resources]
        missing = sorted(name for name in asked if name not in new.versions)
        sent = Sent(version, self._base, self._leftovers, asked)
        return self._send(sent, body(self.kind, version, found, missing))

    def removals(self, edition: Edition) -> Update | None:
        """What the node holds beyond the edition; call once all additions are settled."""
        if self._sent is not None or not self._leftovers or self._blocked_at(edition.version):
            return None
        sent = Sent(edition.version, self._base, (), _NONE)
        if self._wildcard:
            ready = self._library.shared_body(
                edition.version, self._base, self._base, self._leftovers
            )
        else:
            ready = body(self.kind, edition.version, (), self._leftovers)
        return self._send(sent, ready)

    def _send(self, sent: Sent, ready: bytes) -> Update:
        self._sent = sent
        self.rests_on = None
        self._count += 1
        self._nonce = f"{self.kind.label}-{self._count}"
        return Update(self.kind, sent.version, self._nonce, ready)

    def _merge(self, gone: Iterable[str], new: TypeSet) -> tuple[str, ...]:
        wanted = (name for name in gone if self._wildcard or name in self._names)
        if not self._leftovers:
            return tuple(sorted(wanted))
        both = {*self._leftovers, *wanted}
        return tuple(sorted(name for name in both if name not in new.versions))

    def _of_interest(self, changed: tuple[Resource, ...]) -> tuple[Resource, ...]:
        if self._wildcard:
            return changed
        return tuple(each for each in changed if each.name in self._names)

    def _interesting(self, versions: Mapping[str, str]) -> Mapping[str, str]:
        if self._wildcard:
            return versions
        return {name: version for name, version in versions.items() if name in self._names}

    @staticmethod
    def _extra(
        asked: frozenset[str], changed: tuple[Resource, ...], new: TypeSet
    ) -> tuple[Resource, ...]:
        if not asked:
            return ()
        sent = {each.name for each in changed}
        return tuple(
            new.resources[name]
            for name in sorted(asked)
            if name in new.resources and name not in sent
        )
