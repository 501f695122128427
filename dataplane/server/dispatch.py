"""A whole message is there: name it, record it, and let its listener's way answer it.

The listener has fixed which way that is: callbacks (relay.py), a coroutine (stream.py and the
exchange), or we ourselves.
"""

from typing import TYPE_CHECKING

from dataplane.observe import traceparent
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.spans import from_headers
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
    record, header = _record(front, incoming)
    if incoming.target != CHAT or incoming.method != "POST":
        path, _, query = incoming.target.partition("?")
        record.path = path
        if path != CHAT or incoming.method != "POST":
            reply = answer(serving.config, serving.listener, incoming.method, path)
            _finish(front, serving, record, reply, bodiless=incoming.method == "HEAD")
            return
    else:
        path, query = CHAT, ""
    shape = incoming.shape
    timeout_s = serving.listener.timeout_s
    if front.host.active >= serving.limits.max_requests:
        _finish(front, serving, record, _overloaded(serving.limits.max_requests))
    elif shape.encoding >= 0 and incoming.values[shape.encoding].lower() != b"identity":
        _finish(front, serving, record, _ENCODED)
    elif serving.relays:
        relay = Relay(front, incoming, record, header)
        front.work_on(relay, incoming.started, timeout_s)
        relay.start()
    else:
        call = Call(
            serving.config,
            serving.listener,
            incoming.request(path, query),
            record.request_id,
            header.decode(),
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
    record, _ = _record(front, incoming)
    _finish(front, serving, record, reply)


def _record(front: "Front", incoming: Incoming) -> tuple[ExchangeRecord, bytes]:
    """Name a message and place it in a trace; with the `traceparent` for upstream calls."""
    shape = incoming.shape
    values = incoming.values
    serving = incoming.serving
    random = serving.random
    trace_id, span_id, parent_span_id, sampled, header = traceparent.begin(
        values[shape.traceparent] if shape.traceparent >= 0 else None,
        serving.sampling_percent,
        random.getrandbits,
        random.random,
    )
    sent_id = values[shape.request_id] if shape.request_id >= 0 else b""
    if traceparent.sane_request_id(sent_id):
        front.request_id = sent_id
        request_id = sent_id.decode()
    else:
        request_id = traceparent.new_request_id(random.getrandbits)
        front.request_id = request_id.encode()
    record = ExchangeRecord(
        "",
        serving.name,
        incoming.method,
        incoming.target,
        request_id,
        trace_id,
        span_id,
        parent_span_id,
        sampled,
        incoming.started,
        0,
        ResponseDetail.VIA_UPSTREAM,
    )
    record.bytes_received = len(incoming.body)
    tracing = serving.config.tracing
    if sampled and tracing is not None and tracing.header_prefixes:
        record.attributes = from_headers(incoming.headers(), tracing.header_prefixes)
    return record, header


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
