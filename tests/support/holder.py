"""A data plane as far as delta ADS goes: it holds what it was sent, and answers as it is told."""

from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import ResourceType
from controlplane.xds.edition import Edition
from controlplane.xds.stream import Heard, Stream
from controlplane.xds.subscription import Update


class Holder:
    """The client end of one pure Stream."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.held: dict[ResourceType, dict[str, str]] = {kind: {} for kind in ResourceType}
        self.log: list[str] = []
        self.more = False
        """Whether what it took last takes effect only with more."""

    def subscribe(
        self,
        kind: ResourceType,
        *names: str,
        drop: tuple[str, ...] = (),
        reported: dict[str, str] | None = None,
        nonce: str = "",
    ) -> Heard:
        """Send a change of interest."""
        request = ads_pb2.DeltaDiscoveryRequest(
            type_url=kind.url,
            resource_names_subscribe=names,
            resource_names_unsubscribe=drop,
            initial_resource_versions=reported or {},
            response_nonce=nonce,
        )
        return self.stream.receive(request, 0.0)

    def take(self, update: Update) -> Heard:
        """Apply an update and acknowledge it."""
        message = ads_pb2.DeltaDiscoveryResponse.FromString(update.wire())
        self.more = message.more
        held = self.held[update.kind]
        for resource in message.resources:
            held[resource.name] = resource.version
        for name in message.removed_resources:
            held.pop(name, None)
        added = ",".join(f"+{each.name}" for each in message.resources)
        removed = ",".join(f"-{name}" for name in message.removed_resources)
        self.log.append(f"{update.kind.name.lower()} {added}{removed}".strip())
        return self.answer(update, "")

    def refuse(self, update: Update, reason: str = "no") -> Heard:
        """Leave everything as it is and say why."""
        self.log.append(f"{update.kind.name.lower()} refused")
        return self.answer(update, reason)

    def answer(self, update: Update, reason: str) -> Heard:
        """Acknowledge, or refuse when there is a reason."""
        request = ads_pb2.DeltaDiscoveryRequest(
            type_url=update.kind.url, response_nonce=update.nonce
        )
        if reason:
            request.error_detail.code = 3
            request.error_detail.message = reason
        return self.stream.receive(request, 7.0)

    def settle(self, edition: Edition) -> list[str]:
        """Take everything until nothing more comes; what came, in order."""
        before = len(self.log)
        while (update := self.stream.next(edition)) is not None:
            self.take(update)
        return self.log[before:]


def message(update: Update) -> ads_pb2.DeltaDiscoveryResponse:
    """An update as a client decodes it."""
    return ads_pb2.DeltaDiscoveryResponse.FromString(update.wire())
