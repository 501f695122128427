"""A consistent set of resources: it comes into being by `build`, or it does not exist."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controlplane.snapshot.resource import Resource, ResourceType


class InconsistentSnapshotError(Exception):
    """Resources that do not fit together; `problems` names each dangling or doubled one."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What every node of a group should have."""

    version: str
    resources: Mapping[ResourceType, Mapping[str, Resource]]

    def of_type(self, kind: ResourceType) -> Mapping[str, Resource]:
        """The resources of one type by name; empty when there are none."""
        return self.resources.get(kind, MappingProxyType({}))
