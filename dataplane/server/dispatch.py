"""A whole message is there: name it, record it, and let its listener's way answer it.

The listener has fixed which way that is: callbacks (relay.py), a coroutine (stream.py and the
exchange), or we ourselves.
"""

from typing import TYPE_CHECKING, Final

from dataplane.agents.a2a.doors import CARDS
from dataplane.observe import traceparent
from dataplane.observe.tally import EarlyTally, Tally
from dataplane.runtime.config import ListenerKind
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH, Operation, Protocol, Rpc
from dataplane.server import surface
from dataplane.server.auth import resource
from dataplane.server.calls import attributes_of, call_of, finish, record_of
from dataplane.server.credentials import without_keys
from dataplane.server.filtering import Filtering
from dataplane.server.incoming import NO_SHAPE, Incoming
from dataplane.server.local_routes import answer, is_health
from dataplane.server.relay import CLIENT_CLOSED, Relay
from dataplane.server.stream import Stream
from dataplane.server.surface import CHAT_ASK, POSTS

if TYPE_CHECKING:
    from dataplane.server.auth.authenticator import Authenticator
    from dataplane.server.front import Front
    from dataplane.server.joining import Joining
    from dataplane.server.surface import Ask


def begin(front: "Front", incoming: Incoming, place: traceparent.Place | None = None) -> None:
    """Answer a message, now or later; `place` is that of one that has waited for its turn."""
    serving = incoming.serving
    if place is None:
        place = _name(front, incoming)
        if serving.auth is not None and incoming.principal is None:
            refusal = _unknown_caller(front, incoming, serving.auth)
            if refusal is not None:
                path = incoming.target.partition("?")[0]
                record = record_of(front, incoming, path, place)
                finish(front, serving, record, refusal, bodiless=incoming.method == "HEAD")
                return
        host = front.host
        gate = host.gate
        if incoming.started > host.wheel.overdue:
            gate.look_late(incoming.started, host.wheel)
        if (
            (gate.closed or host.active >= serving.request_limit)
            and not gate.begins(front, incoming)
            and _waits(front, incoming, place)
        ):
            return
    if incoming.target == _CHAT_PATH and incoming.method == "POST":
        ask, relays, filters, make = CHAT_ASK, serving.relays, serving.only_filters, Tally
        front.speaks = _CHAT
    else:
        relays, filters = serving.relays, serving.only_filters
        plain = POSTS.get(incoming.target) if relays and incoming.method == "POST" else None
        if plain is not None:
            ask = plain
            front.speaks = plain.shape
        else:
            found = _look(front, incoming)
            if isinstance(found, LocalReply):
                path = incoming.target.partition("?")[0]
                record = record_of(front, incoming, path, place)
                finish(front, serving, record, found, bodiless=incoming.method == "HEAD")
                return
            ask = found
        if (relays or filters) and (
            ask.decides or (ask.remembers and serving.needs_more(ask, incoming.body))
        ):
            relays = filters = False
        make = EarlyTally if ask.operation is _MESSAGES else Tally
    path = ask.path
    shape = incoming.shape
    if shape.encoding >= 0 and incoming.values[shape.encoding].lower() != b"identity":
        finish(front, serving, record_of(front, incoming, path, place), _ENCODED)
    elif relays:
        tally = make(
            serving.name,
            "POST",
            path,
            front.request_id,
            place,
            incoming.started,
            len(incoming.body),
        )
        tally.principal = incoming.principal
        if place[2]:
            tally.attributes = attributes_of(incoming)
        relay = Relay(front, incoming, ask, tally, place[0])
        front.work_on(relay, incoming.started, serving.timeout_s)
        relay.run()
    elif filters:
        filtering = Filtering(front, incoming, ask, place, make)
        front.work_on(filtering, incoming.started, serving.timeout_s)
        filtering.run()
    else:
        stream = Stream(front, incoming, call_of(front, incoming, ask, place))
        front.work_on(stream, incoming.started, serving.timeout_s)
        stream.start_task()


def _unknown_caller(
    front: "Front", incoming: Incoming, auth: "Authenticator | Joining"
) -> LocalReply | None:
    """Why a request is refused before anybody looks at what it asks for; probes are not."""
    refusal = auth.refusal(incoming)
    if refusal is None:
        return None
    listener = incoming.serving.listener
    path = incoming.target.partition("?")[0]
    if is_health(listener, path) or (listener.kind is ListenerKind.AGENT and path in CARDS):
        return None
    if resource.describes(listener, path):
        return None
    front.speaks = speaks = surface.reader_of(listener.kind, path, incoming.names)
    if speaks is Rpc.MCP:
        return resource.challenged(refusal, listener, incoming.header)
    return refusal


def _waits(front: "Front", incoming: Incoming, place: traceparent.Place) -> bool:
    """Whether a message is not to be answered now, but maybe later; probes are."""
    if is_health(incoming.serving.listener, incoming.target.partition("?")[0]):
        return False
    return front.host.gate.waits(front, incoming, place)


def left(front: "Front", incoming: Incoming, place: traceparent.Place) -> None:
    """The client of a message whose turn has not come has left."""
    record = record_of(front, incoming, incoming.target.partition("?")[0], place)
    record.status = CLIENT_CLOSED
    record.detail = ResponseDetail.DOWNSTREAM_GONE
    incoming.serving.recorder.finish(record, incoming.serving.now())


def go_on(front: "Front", incoming: Incoming, ask: "Ask", tally: Tally) -> None:
    """A relay has found that its request needs more than bytes."""
    stream = Stream(front, incoming, call_of(front, incoming, ask, tally.place))
    front.replace_work(stream)
    stream.start_task()


def refuse(front: "Front", reply: LocalReply, incoming: Incoming | None) -> None:
    """Answer bytes that are no acceptable message."""
    serving = front.host.serving if incoming is None else incoming.serving
    if incoming is None:
        incoming = Incoming(serving, "", "", (), (), NO_SHAPE, serving.now())
    place = _name(front, incoming)
    path = incoming.target.partition("?")[0]
    front.speaks = surface.reader_of(serving.listener.kind, path, incoming.names)
    finish(front, serving, record_of(front, incoming, path, place), reply)


def _look(front: "Front", incoming: Incoming) -> surface.Ask | LocalReply:
    """What a message asks for that is not the plainest of all."""
    serving = incoming.serving
    method = incoming.method
    path, _, query = incoming.target.partition("?")
    kind = serving.listener.kind
    front.speaks = surface.reader_of(kind, path, incoming.names)
    if kind.is_of_models:
        found = surface.look(method, path, query)
    elif kind is ListenerKind.MCP:
        found = surface.look_at_mcp(path)
    else:
        found = surface.look_at_agents(method, path, without_keys(query))
    match found:
        case surface.Ask():
            if not found.mcp:
                front.speaks = found.shape
            return found
        case None if resource.describes(serving.listener, path) and method in ("GET", "HEAD"):
            return resource.metadata(serving.listener, incoming.header)
        case None:
            speaks = surface.shape_of(path, incoming.names)
            principal = incoming.principal
            return answer(serving.config, serving.listener, method, path, speaks, principal)
        case reply:
            return reply


def _name(front: "Front", incoming: Incoming) -> traceparent.Place:
    """Give a message its id and its place in a trace."""
    shape = incoming.shape
    values = incoming.values
    serving = incoming.serving
    random = serving.random
    request_id = values[shape.request_id] if shape.request_id >= 0 else b""
    if not (request_id.isalnum() and len(request_id) <= traceparent.REQUEST_ID_CHARS) and (
        not traceparent.sane_request_id(request_id)
    ):
        request_id = traceparent.new_request_id(random.getrandbits)
    front.request_id = request_id
    value = values[shape.traceparent] if shape.traceparent >= 0 else None
    if value is not None and serving.sampling_percent is None and traceparent.is_plain(value):
        return value, "", False  # what `begin` would say, for the many
    return traceparent.begin(value, serving.sampling_percent, random.getrandbits, random.random)


_CHAT_PATH: Final = CHAT_PATH
_CHAT: Final = Protocol.CHAT
_MESSAGES: Final = Operation.MESSAGES
_ENCODED = LocalReply(
    415,
    "Compressed request bodies are not supported.",
    ResponseDetail.INVALID_BODY,
    (("accept-encoding", "identity"),),
)
