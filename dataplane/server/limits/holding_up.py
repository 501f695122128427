"""The relay at its limits: before its first attempt."""

from functools import partial
from typing import TYPE_CHECKING

from dataplane.runtime.messages import LocalReply
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.gate import Gate
from dataplane.server.limits.limiter import Limiter
from dataplane.server.limits.matching import Caller

if TYPE_CHECKING:
    from dataplane.llm.wire.peek import Peek
    from dataplane.server.candidates import Candidate
    from dataplane.server.incoming import Incoming
    from dataplane.server.sending import Sending


def hold(
    relay: "Sending", limiter: Limiter, incoming: "Incoming", found: "Peek", first: "Candidate"
) -> None:
    """Let a relay go on when its limits allow it, or refuse it; at once or within WAIT_S."""
    spot = limiter.spot(relay.serving.name, first, found.model)
    ask = relay.ask
    caller = Caller(incoming.principal, incoming.header)
    passed = limiter.take(spot, caller, found.body, ask.operation, ask.shape, found.survey)
    if isinstance(passed, Gate):
        relay.tally.charge = passed
        passed.open(partial(_decided, relay))
    else:
        _decided(relay, passed)


def _decided(relay: "Sending", found: Charge | LocalReply | None) -> None:
    if isinstance(found, LocalReply):
        relay.tally.charge = None
        relay.refuse(found)
        return
    if found is not None:
        relay.tally.charge = found
        relay.told += found.lines
    relay.go()
