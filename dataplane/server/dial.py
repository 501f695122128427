"""A connection that is dialled for one attempt.

The rule: it is that attempt's or nobody's. What was dialled for an attempt that is over comes too
late, connected or failed: whatever is asked now has its own.
"""

from typing import TYPE_CHECKING

from dataplane.upstream.connection import Reader, UpstreamConnection
from dataplane.upstream.errors import UpstreamFailure

if TYPE_CHECKING:
    from dataplane.server.sending import Sending


class Dial:
    """Implements Reader (upstream/connection.py) until there is a connection."""

    __slots__ = ("_reader", "_relay")

    def __init__(self, relay: "Sending", reader: Reader) -> None:
        self._relay = relay
        self._reader = reader

    def on_connected(self, upstream: UpstreamConnection) -> bool:
        """See Reader."""
        return self._is_wanted() and self._reader.on_connected(upstream)

    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""
        if self._is_wanted():
            self._reader.on_failed(failure)

    def on_answer(self, upstream: UpstreamConnection, body: bytes, done: bool) -> None:
        """See Reader. The connection is told another reader before it can answer."""
        raise AssertionError("a dial reads no answer")

    def _is_wanted(self) -> bool:
        """Once: two that know each other would need a garbage collector."""
        relay = self._relay
        if relay.dial is not self:
            return False
        relay.dial = None
        return True
