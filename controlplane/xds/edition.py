"""A snapshot made ready to stream, and what differs between two of them.

The rule: whatever many streams need is computed once. An `Edition` is shared by every stream of a
group, a difference between two type sets and the bytes of an update are kept in the `Library`, and
equal content has an equal version, here and after a restart.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.snapshot.snapshot import MEASURED, Snapshot

T = TypeVar("T")

# Enough for every type of several snapshots in flight at once; a burst of changes to a thousand
# streams was seen to need fewer than ten, and one entry can weigh as much as a whole type.
KEPT = 64
GUARDS = (ResourceType.LIMIT,)
"""Types that a node of an earlier release does not know and may not do without."""
LEAVES = frozenset({ResourceType.LISTENER})
"""Nothing refers to a listener, so its removals may travel with its additions. They must: a
listener that takes over the port of another one can only be bound in the step that closes the
other."""


@dataclass(frozen=True, slots=True, eq=False)
class TypeSet:
    """All resources of one type at one moment; of what a client reports, only the versions."""

    kind: ResourceType
    version: str
    versions: Mapping[str, str]
    resources: Mapping[str, Resource]

    @classmethod
    def of(cls, kind: ResourceType, resources: Mapping[str, Resource]) -> "TypeSet":
        """The set a snapshot holds."""
        versions = {name: resource.version for name, resource in resources.items()}
        return cls(kind, _hash(versions), versions, resources)

    @classmethod
    def reported(cls, kind: ResourceType, versions: Mapping[str, str]) -> "TypeSet":
        """The set a reconnecting client says it holds."""
        return cls(kind, _hash(versions), versions, MappingProxyType({}))


def _hash(versions: Mapping[str, str]) -> str:
    text = "\0".join(f"{name}\0{version}" for name, version in sorted(versions.items()))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def empty(kind: ResourceType) -> TypeSet:
    """What a new client holds: nothing."""
    return _EMPTY[kind]


_EMPTY: Mapping[ResourceType, TypeSet] = MappingProxyType(
    {kind: TypeSet.of(kind, MappingProxyType({})) for kind in ResourceType}
)


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """What becomes true with the ack of an update. Holds no bytes: every stream would keep its
    own."""

    version: str
    base: TypeSet
    leftovers: tuple[str, ...]
    asked: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What takes who follows everything of a type, and holds one set of it whole, to another."""

    body: bytes | None
    """None: nothing is to be sent, it is so already."""
    sent: Sent


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """A snapshot with one type set per type."""

    version: str
    sets: Mapping[ResourceType, TypeSet]
    guards: frozenset[str]
    """Type URLs of what forbids: a node may not have the listeners without asking for these."""
    steps: dict[TypeSet, Step] = field(default_factory=dict)
    """The library's, of what streams held before: they end with the edition. Elsewhere they would
    keep whole sets of it."""

    def shows(self, snapshot: Snapshot) -> bool:
        """Whether it is what a snapshot says, measurements included."""
        measured = TypeSet.of(MEASURED, snapshot.of_type(MEASURED))
        same = self.sets[MEASURED].version == measured.version
        return self.version == snapshot.version and same

    @classmethod
    def of(cls, snapshot: Snapshot, previous: "Edition | None" = None) -> "Edition":
        """Prepare a snapshot; a type that did not change is the previous edition's object."""
        sets = {}
        for kind in ResourceType:
            resources = snapshot.of_type(kind)
            old = previous.sets[kind] if previous else empty(kind)
            fresh = old if old.resources is resources else TypeSet.of(kind, resources)
            sets[kind] = old if old.version == fresh.version else fresh
        guards = frozenset(kind.url for kind in GUARDS if sets[kind].versions)
        return cls(snapshot.version, sets, guards)


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """What turns one type set into another."""

    changed: tuple[Resource, ...]
    gone: tuple[str, ...]


class _Shelf(Generic[T]):
    """What was made lately, by key."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = make()
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(key)
        return made


class Library:
    """Differences and update bytes, made once and kept while streams may still want them."""

    def __init__(self) -> None:
        self._differences: _Shelf[Difference] = _Shelf()
        self._bodies: _Shelf[bytes] = _Shelf()
        self._reported: _Shelf[TypeSet] = _Shelf()

    def difference(self, old: TypeSet, new: TypeSet) -> Difference:
        """What a holder of `old` lacks and has too much to hold `new`."""
        if old is new or old.version == new.version:
            return _SAME
        return self._differences.get(
            (new.kind, old.version, new.version), lambda: _differ(old, new)
        )

    def reported(self, current: TypeSet, versions: Mapping[str, str]) -> TypeSet:
        """The set a client says it holds: one object for all that say the same."""
        if current.versions == versions:
            return current
        made = TypeSet.reported(current.kind, versions)
        return self._reported.get((made.kind, made.version), lambda: made)

    def step(self, old: TypeSet, edition: Edition) -> Step:
        """From `old` to what an edition has of its type."""
        made = edition.steps.get(old)
        if made is None:
            made = edition.steps[old] = self._step(old, edition.sets[old.kind], edition.version)
        return made

    def _step(self, old: TypeSet, new: TypeSet, version: str) -> Step:
        difference = self.difference(old, new)
        gone = tuple(sorted(difference.gone))
        removed, kept = (gone, ()) if new.kind in LEAVES else ((), gone)
        sent = Sent(version, new, kept, frozenset())
        if not difference.changed and not removed:
            return Step(None, sent)
        return Step(self.shared_body(version, old, new, removed), sent)

    def shared_body(
        self, version: str, old: TypeSet, new: TypeSet, removed: tuple[str, ...]
    ) -> bytes:
        """The bytes that take every wildcard subscriber from `old` to `new`, `removed` included."""
        changed = self.difference(old, new).changed
        return self._bodies.get(
            (new.kind, version, old.version, new.version, removed),
            lambda: body(new.kind, version, changed, removed),
        )


def body(
    kind: ResourceType, version: str, resources: Iterable[Resource], removed: Iterable[str]
) -> bytes:
    """A DeltaDiscoveryResponse but for its nonce; fields may come in any order."""
    frame = ads_pb2.DeltaDiscoveryResponse(
        system_version_info=version, type_url=kind.url, removed_resources=removed
    )
    return b"".join([frame.SerializeToString(), *(each.delta_bytes for each in resources)])


def _differ(old: TypeSet, new: TypeSet) -> Difference:
    held = old.versions
    return Difference(
        tuple(each for name, each in new.resources.items() if held.get(name) != each.version),
        tuple(name for name in held if name not in new.versions),
    )


_SAME = Difference((), ())
