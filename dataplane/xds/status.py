"""How the stream to the control plane is doing, for the admin port."""

from dataclasses import dataclass, field

from dataplane.observe.metrics import Family


@dataclass(slots=True)
class XdsStatus:
    """Facts that XdsClient keeps up to date."""

    connected: bool = False
    connections: int = 0
    accepted: int = 0
    refused: int = 0
    synced: bool = False
    """A whole config is in effect: listeners have come, and nothing of it was refused."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Type URL -> reason, while the last answer of that type was a refusal."""

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
        ]
