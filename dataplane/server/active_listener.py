"""What the connections of one bound socket share.

It is apart from the host that accepts them because every request asks it for something: a class
that inherits from aiohttp's cannot be compiled (deploy/compiled.py), and this one is.
"""

import asyncio
from typing import TYPE_CHECKING

from dataplane.server.auth.certificates import Certificates
from dataplane.server.gate import Gate
from dataplane.server.late import LateQueues

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataplane.server.front import Front
    from dataplane.server.serving import Serving


class ActiveListener:
    """Of one listener of one worker."""

    __slots__ = (
        "active",
        "certificates",
        "gate",
        "late_queues",
        "loop",
        "lost",
        "opened",
        "outbox",
        "serving",
        "wheel",
    )

    def __init__(
        self,
        serving: "Serving",
        loop: asyncio.AbstractEventLoop,
        gate: Gate,
        certificates: Certificates | None,
        opened: "Callable[[Front, asyncio.Transport], None]",
        lost: "Callable[[Front, BaseException | None], None]",
    ) -> None:
        """`opened` is told of each new connection, `lost` of each that has ended."""
        self.opened = opened
        self.lost = lost
        self.certificates = certificates
        """Of TLS."""
        self.gate = gate
        self.serving = serving
        """Replaced whole when the configuration changes; a request keeps the one it began with."""
        self.loop = loop
        self.wheel = serving.services.wheel
        self.outbox = serving.services.pool.outbox
        self.late_queues = LateQueues(serving.now, loop)
        self.active = 0
        """Requests under way."""
