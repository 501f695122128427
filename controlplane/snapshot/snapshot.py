"""A consistent set of resources: it comes into being by `build`, or it does not exist."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controlplane.snapshot import references
from controlplane.snapshot.resource import Named, Resource, ResourceType

_NONE: Mapping[str, Resource] = MappingProxyType({})
MEASURED = ResourceType.MODEL_METRICS
"""What is found out and not configured: no part of a version, which says what a config means."""


class InconsistentSnapshotError(Exception):
    """Resources that do not fit together; `problems` names each dangling or doubled one."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Change:
    """What differs in one type, from one snapshot to another."""

    changed: tuple[str, ...]
    """Names that are new or have another version, sorted."""
    removed: tuple[str, ...]
    """Names that are gone, sorted."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What every node of a group should have."""

    version: str
    """A hash of all names and versions: equal content, equal version, here and after a restart."""
    resources: Mapping[ResourceType, Mapping[str, Resource]]

    def of_type(self, kind: ResourceType) -> Mapping[str, Resource]:
        """The resources of one type by name, sorted; empty when there are none."""
        return self.resources.get(kind, _NONE)

    @classmethod
    def build(cls, parts: Iterable[Named], previous: "Snapshot | None" = None) -> "Snapshot":
        """Put parts together. Raises InconsistentSnapshotError when they do not fit.

        :param previous: what is equal in it is used again, down to whole types, so that two
            generations share their memory, `diff` can compare by identity, and only what is new is
            serialised and checked.
        """
        by_type: dict[ResourceType, dict[str, Named]] = {}
        doubled = []
        for part in parts:
            named = by_type.setdefault(part.type, {})
            if part.name in named:
                doubled.append(f"two {part.type.name.lower()} resources are {part.name!r}")
            named[part.name] = part
        ordered = {
            kind: _shared(by_type[kind], previous, kind) for kind in ResourceType if kind in by_type
        }
        problems = (*doubled, *references.problems(ordered, _known_good(ordered, previous)))
        if problems:
            raise InconsistentSnapshotError(problems)
        return cls(_version(ordered), MappingProxyType(ordered))

    def with_measured(self, resources: Iterable[Resource]) -> "Snapshot":
        """The same config, served with these measurements in place of others."""
        named = MappingProxyType({one.name: one for one in resources})
        if named == self.of_type(MEASURED):
            return self
        others = {kind: found for kind, found in self.resources.items() if kind is not MEASURED}
        if named:
            others[MEASURED] = named
        return Snapshot(self.version, MappingProxyType(others))

    def diff(self, before: "Snapshot | None") -> dict[ResourceType, Change]:
        """What a node that has `before` (None: nothing) must learn; unchanged types are absent."""
        changes = {}
        for kind in ResourceType:
            now = self.of_type(kind)
            then = before.of_type(kind) if before is not None else _NONE
            if now is then:
                continue
            changed = tuple(name for name, one in now.items() if _differs(one, then.get(name)))
            removed = tuple(name for name in then if name not in now)
            if changed or removed:
                changes[kind] = Change(changed, removed)
        return changes


def _differs(now: Resource, then: Resource | None) -> bool:
    return now is not then and (then is None or now.version != then.version)


def _shared(
    parts: dict[str, Named], previous: Snapshot | None, kind: ResourceType
) -> Mapping[str, Resource]:
    """The same by name, sorted, by the objects that an earlier snapshot has for them."""
    before = previous.of_type(kind) if previous is not None else _NONE
    named = {name: _made(parts[name], before.get(name)) for name in sorted(parts)}
    unchanged = len(named) == len(before) and all(
        before.get(name) is one for name, one in named.items()
    )
    return before if unchanged else MappingProxyType(named)


def _made(part: Named, before: Resource | None) -> Resource:
    if before is not None and before.message == part.message:
        return before
    made = part if isinstance(part, Resource) else Resource.of(part.type, part.name, part.message)
    return before if before is not None and before.version == made.version else made


def _known_good(resources: references.ByType, previous: Snapshot | None) -> references.ByType:
    """What an earlier snapshot has, if all it refers to is still there: no name is gone."""
    if previous is None:
        return MappingProxyType({})
    for kind, named in previous.resources.items():
        if kind is not MEASURED and not named.keys() <= resources.get(kind, _NONE).keys():
            return MappingProxyType({})
    return previous.resources


def _version(resources: Mapping[ResourceType, Mapping[str, Resource]]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for kind, named in resources.items():
        if kind is MEASURED:
            continue
        url = kind.url
        # NUL cannot be in a name, so no two sets of names and versions look alike.
        text = "".join([f"{url}\0{name}\0{one.version}\0" for name, one in named.items()])
        digest.update(text.encode())
    return digest.hexdigest()
