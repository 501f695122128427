"""What this data plane has accepted, as a fold: an update goes in, an answer comes out.

All of an update is accepted or none of it. An XdsState is a value: the caller goes on with
`answer.state` once what hangs on it (open ports) worked too, or stays with the one it has.
"""

from dataclasses import dataclass, field

from dataplane.runtime.config import RuntimeConfig
from dataplane.xds.join import InconsistentError, join
from dataplane.xds.resource import Decoded, ResourceKind, Resources


@dataclass(frozen=True, slots=True)
class Update:
    """One delta message of one kind, decoded."""

    kind: ResourceKind
    changed: tuple[Decoded, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The state to go on with; with an error it is the one before."""

    state: "XdsState"
    error: str = ""


@dataclass(frozen=True, slots=True)
class XdsState:
    """Accepted resources and the config they make."""

    resources: Resources = field(default_factory=Resources)
    config: RuntimeConfig = field(default_factory=RuntimeConfig)

    def receive(self, update: Update) -> Answer:
        """Take an update whole, or refuse it whole with a reason for people."""
        names = [one.name for one in update.changed]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            return Answer(self, f"{update.kind.label} {twice!r} is in the update twice")
        if both := set(names).intersection(update.removed):
            return Answer(self, f"{update.kind.label} {min(both)!r} is both changed and removed")
        return self._go_to(self.resources.with_changes(update.kind, update.changed, update.removed))

    def restore(self, resources: Resources) -> Answer:
        """Take a whole set at once: what an earlier process had accepted."""
        return self._go_to(resources)

    def _go_to(self, resources: Resources) -> Answer:
        try:
            config = join(resources, self.resources, self.config)
        except InconsistentError as e:
            return Answer(self, str(e))
        return Answer(self if resources is self.resources else XdsState(resources, config))
