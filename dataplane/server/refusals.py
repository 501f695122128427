"""Telling clients that there is too much to do: 503, for as little as it can cost.

The rule: under overload there may be more to refuse than to serve, so a refusal is bytes that were
made before, with the request's id in their middle. It says what any answer of ours says, in the
error body of the API that its client speaks.
"""

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from dataplane.observe.recorder import Recorder
from dataplane.runtime.messages import ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH, Protocol, Reader
from dataplane.server import checks, surface
from dataplane.server.answers import local_reply
from dataplane.server.calls import record_of

if TYPE_CHECKING:
    from dataplane.observe.record import ExchangeRecord
    from dataplane.observe.traceparent import Place
    from dataplane.server.front import Front
    from dataplane.server.incoming import Incoming

MAX_MADE = 200
"""Answers that are kept: four reasons, six kinds of readers, and limits of a few listeners."""
_ID = b"\0id\0"  # stands where the request's id will
_CHAT = Protocol.CHAT  # (an attribute of an Enum is slow)
_STATUS = 503

_Key = tuple[str, int, Reader, bool, bool]


class Refusals:
    """Of one worker."""

    def __init__(self, recorder: Recorder) -> None:
        self.count: Counter[tuple[str, ...]] = Counter()
        """Requests that were told 503, by why."""
        self._recorder = recorder
        self._made: dict[_Key, list[bytes]] = {}

    def tell(self, front: "Front", incoming: "Incoming", place: "Place", why: str) -> None:
        """Answer a message whose turn has not come: that is all of its exchange."""
        self.count[(why,)] += 1
        serving = incoming.serving
        path, method = incoming.target, incoming.method
        speaks: Reader = _CHAT
        if path != CHAT_PATH or method != "POST":
            path = path.partition("?")[0]
            speaks = surface.reader_of(serving.listener.kind, path, incoming.names)
        front.speaks = speaks
        key = (why, serving.request_limit, speaks, front.closes(), method == "HEAD")
        pieces = self._made.get(key)
        if pieces is None:
            pieces = self._make(key)
        now = serving.now()
        request_id = front.request_id
        make = partial(_record, front, request_id, incoming, path, place)
        if place[2]:
            self._recorder.finish(make(), now)
        else:
            self._recorder.finish_alike(serving.name, _STATUS, incoming.started, now, make)
        front.write(request_id.join(pieces))
        front.ended(now)

    def _make(self, key: _Key) -> list[bytes]:
        why, limit, speaks, closes, bodiless = key
        reply = checks.overloaded(why, limit)
        if len(self._made) >= MAX_MADE:
            self._made.clear()
        made = local_reply(reply, _ID, closes, bodiless, speaks).split(_ID)
        self._made[key] = made
        return made


def _record(
    front: "Front", request_id: bytes, incoming: "Incoming", path: str, place: "Place"
) -> "ExchangeRecord":
    record = record_of(front, incoming, path, place)
    record.request_id = request_id.decode("latin-1")  # of the front it may be another's by now
    record.status = _STATUS
    record.detail = ResponseDetail.OVERLOADED
    return record
