"""The routing decision API: which model a request would get, without sending it anywhere.

The answer's form is Plano's, so that programs written for it work. Rule: it tells what a relayed
request would do, by the same flow, and it binds the session in the same way.
"""

import msgspec

from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.chosen import Chosen

NONE = "none"
"""In place of a model: no preference fits, so use the one you have. Never kept for a session."""


class _Told(msgspec.Struct, omit_defaults=True):
    models: list[str]
    route: str | None
    trace_id: str
    pinned: bool
    switched: bool
    session_id: str = ""
    reason: str = ""


def decision_reply(chosen: Chosen, trace_id: str) -> LocalReply:
    """The answer of the decision API."""
    # What the session holds without a preference is what the client asked for: it knows that.
    models = chosen.models if chosen.preference else ()
    told = _Told(
        models=list(models) or [NONE],
        route=chosen.preference or None,
        trace_id=trace_id,
        pinned=chosen.pinned,
        switched=chosen.switched,
        session_id=chosen.session.id if chosen.session is not None else "",
        reason=chosen.reason,
    )
    return LocalReply(
        200,
        "",
        ResponseDetail.LOCAL,
        (("content-type", "application/json"), *chosen.headers()),
        msgspec.json.encode(told),
    )
