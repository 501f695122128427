"""How the stream to the control plane is doing, for the admin port."""

from dataclasses import dataclass, field

from dataplane.observe.metrics import Family
from dataplane.xds.resource import ResourceKind

ORDER = [kind.url for kind in ResourceKind]
LAST = ResourceKind.LISTENER.url


@dataclass(slots=True)
class XdsStatus:
    """Facts that XdsClient keeps up to date."""

    connected: bool = False
    connections: int = 0
    accepted: int = 0
    refused: int = 0
    resources: int = 0
    """Sent to us, in accepted updates and in refused ones."""
    synced: bool = False
    """A whole config is in effect: listeners have come, and nothing of it was refused."""
    current: bool = False
    """Caught up with the control plane it is connected to now."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Type URL -> reason, while the last answer of that type was a refusal."""

    def connect(self) -> None:
        """A stream is open, and everything is asked for."""
        self.connected = True
        self.connections += 1

    def refuse(self, type_url: str, reason: str) -> None:
        """An update was refused."""
        self.refused += 1
        self.refusals[type_url] = reason

    def accept(self, type_url: str) -> None:
        """An update is in effect.

        A refusal holds back the later kinds of its snapshot; so what comes of a later kind says
        that the refusal is over, also when nothing of the refused kind was sent again.
        """
        self.accepted += 1
        at = ORDER.index(type_url)
        self.refusals = {
            url: reason
            for url, reason in self.refusals.items()
            if url in ORDER and ORDER.index(url) > at
        }
        if type_url == LAST and not self.refusals:
            self.synced = self.current = True

    def disconnect(self) -> None:
        """The stream has ended."""
        self.connected = self.current = False

    def families(self, worker: str) -> list[Family]:
        """As metrics of one worker."""
        return [
            Family(
                "outrider_xds_connected",
                "gauge",
                "Whether the worker follows a control plane now.",
                ("worker",),
                {(worker,): float(self.connected)},
            ),
            Family(
                "outrider_xds_connections_total",
                "counter",
                "Streams to a control plane that were opened.",
                (),
                {(): float(self.connections)},
            ),
            Family(
                "outrider_xds_updates_total",
                "counter",
                "Updates by answer.",
                ("answer",),
                {("accepted",): float(self.accepted), ("refused",): float(self.refused)},
            ),
            Family(
                "outrider_xds_resources_total",
                "counter",
                "Resources that control planes sent, changed ones and first ones.",
                (),
                {(): float(self.resources)},
            ),
        ]
