"""What the admin gRPC port serves: our services, health and reflection."""

from typing import Any, cast

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from outriderpb.admin.v1 import (
    config_pb2,
    config_pb2_grpc,
    decision_pb2,
    decision_pb2_grpc,
    fleet_pb2,
    fleet_pb2_grpc,
    limits_pb2,
    limits_pb2_grpc,
)

from controlplane.admin.config import ConfigAdmin
from controlplane.admin.decision import DecisionAdmin
from controlplane.admin.fleet import FleetAdmin
from controlplane.admin.limits import LimitAdmin

_CONFIG = config_pb2.DESCRIPTOR.services_by_name["ConfigService"].full_name
_FLEET = fleet_pb2.DESCRIPTOR.services_by_name["FleetService"].full_name
_LIMITS = limits_pb2.DESCRIPTOR.services_by_name["LimitService"].full_name
_DECISIONS = decision_pb2.DESCRIPTOR.services_by_name["DecisionService"].full_name
_HEALTH = health.SERVICE_NAME


class Health:
    """The standard health service: serving from the first snapshot on."""

    def __init__(self) -> None:
        # The stubs do not know the asyncio half.
        self.servicer = cast(Any, health).aio.HealthServicer()

    async def set(self, serving: bool) -> None:
        """What is answered for the whole server and for each service."""
        status = health_pb2.HealthCheckResponse
        value = status.SERVING if serving else status.NOT_SERVING
        for name in ("", _CONFIG, _FLEET, _LIMITS, _DECISIONS):
            await self.servicer.set(name, value)


def add_services(
    server: grpc.aio.Server,
    config: ConfigAdmin,
    fleet: FleetAdmin,
    limits: LimitAdmin,
    decisions: DecisionAdmin,
    health_: Health,
) -> None:
    """Register everything; before the server starts."""
    config_pb2_grpc.add_ConfigServiceServicer_to_server(config, server)
    fleet_pb2_grpc.add_FleetServiceServicer_to_server(fleet, server)
    limits_pb2_grpc.add_LimitServiceServicer_to_server(limits, server)
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(decisions, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_.servicer, server)
    names = (_CONFIG, _FLEET, _LIMITS, _DECISIONS, _HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
