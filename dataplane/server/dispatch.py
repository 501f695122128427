"""A whole message is there: name it, record it, and let its listener's way answer it.

The listener has fixed which way that is: callbacks (relay.py), a coroutine (stream.py and the
exchange), or we ourselves.
"""

from typing import TYPE_CHECKING

from dataplane.observe import traceparent
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.spans import from_headers
from dataplane.observe.tally import Tally
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.downstream import Call
from dataplane.server.incoming import NO_SHAPE, Incoming
from dataplane.server.local_routes import CHAT, answer
from dataplane.server.relay import Relay
from dataplane.server.stream import Stream

if TYPE_CHECKING:
    from dataplane.server.front import Front
    from dataplane.server.serving import Serving


def begin(front: "Front", incoming: Incoming) -> None:
    """Answer a message, now or later."""
    serving = incoming.serving
    place = _name(front, incoming)
    path, query = incoming.target, ""
    if path != CHAT or incoming.method != "POST":
        path, _, query = path.partition("?")
        if path != CHAT or incoming.method != "POST":
            reply = answer(serving.config, serving.listener, incoming.method, path)
            record = _record(front, incoming, path, place)
            _finish(front, serving, record, reply, bodiless=incoming.method == "HEAD")
            return
    shape = incoming.shape
    timeout_s = serving.timeout_s
    if front.host.active >= serving.request_limit:
        record = _record(front, incoming, path, place)
        _finish(front, serving, record, _overloaded(serving.request_limit))
    elif shape.encoding >= 0 and incoming.values[shape.encoding].lower() != b"identity":
        _finish(front, serving, _record(front, incoming, path, place), _ENCODED)
    elif serving.relays:
        tally = Tally(
            serving.name,
            "POST",
            CHAT,
            front.request_id,
            place,
            incoming.started,
            len(incoming.body),
        )
        if place[2]:
            tally.attributes = _attributes(incoming)
        relay = Relay(front, incoming, tally, place[0])
        front.work_on(relay, incoming.started, timeout_s)
        relay.start()
    else:
        record = _record(front, incoming, path, place)
        call = Call(
            serving.config,
            serving.listener,
            incoming.request(path, query),
            record.request_id,
            place[0].decode("latin-1"),
            incoming.started + timeout_s,
            record,
        )
        stream = Stream(front, serving, call)
        front.work_on(stream, incoming.started, timeout_s)
        stream.start_task()


def refuse(front: "Front", reply: LocalReply, incoming: Incoming | None) -> None:
    """Answer bytes that are no acceptable message."""
    serving = front.host.serving if incoming is None else incoming.serving
    if incoming is None:
        incoming = Incoming(serving, "", "", (), (), NO_SHAPE, serving.now())
    place = _name(front, incoming)
    path = incoming.target.partition("?")[0]
    _finish(front, serving, _record(front, incoming, path, place), reply)


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


def _record(
    front: "Front", incoming: Incoming, path: str, place: traceparent.Place
) -> ExchangeRecord:
    header, parent_span_id, sampled = place
    return ExchangeRecord(
        listener=incoming.serving.name,
        method=incoming.method,
        path=path,
        request_id=front.request_id.decode("latin-1"),
        trace_id=header[3:35].decode("latin-1"),
        span_id=header[36:52].decode("latin-1"),
        parent_span_id=parent_span_id,
        sampled=sampled,
        started=incoming.started,
        bytes_received=len(incoming.body),
        attributes=_attributes(incoming) if sampled else {},
    )


def _attributes(incoming: Incoming) -> dict[str, str]:
    """Headers that the tracing configuration wants in spans."""
    tracing = incoming.serving.config.tracing
    if tracing is None or not tracing.header_prefixes:
        return {}
    return from_headers(incoming.headers(), tracing.header_prefixes)


def _finish(
    front: "Front",
    serving: "Serving",
    record: ExchangeRecord,
    reply: LocalReply,
    bodiless: bool = False,
) -> None:
    record.status = reply.status
    record.detail = reply.detail
    now = serving.now()
    serving.recorder.finish(record, now)
    front.reply(reply, now, bodiless)


def _overloaded(limit: int) -> LocalReply:
    return LocalReply(
        503,
        f"More than {limit} requests at once on this listener.",
        ResponseDetail.OVERLOADED,
        (("retry-after", "1"),),
    )


_ENCODED = LocalReply(
    415,
    "Compressed request bodies are not supported.",
    ResponseDetail.INVALID_BODY,
    (("accept-encoding", "identity"),),
)
