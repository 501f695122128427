"""A whole message is there: name it, record it, and let its listener's way answer it.

The listener has fixed which way that is: callbacks (relay.py), a coroutine (stream.py and the
exchange), or we ourselves.
"""

from typing import TYPE_CHECKING

from dataplane.observe import traceparent
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.downstream import Call
from dataplane.server.heads import RequestShape
from dataplane.server.incoming import Incoming
from dataplane.server.local_routes import CHAT, answer
from dataplane.server.relay import Relay
from dataplane.server.stream import Stream

if TYPE_CHECKING:
    from dataplane.server.front import Front
    from dataplane.server.serving import Serving


def begin(front: "Front", serving: "Serving", incoming: Incoming) -> None:
    """Answer a message, now or later."""
    record, span = _record(front, serving, incoming)
    if incoming.path != CHAT or incoming.method != "POST":
        reply = answer(serving.config, serving.listener, incoming.method, incoming.path)
        _finish(front, serving, record, reply, bodiless=incoming.method == "HEAD")
        return
    shape = incoming.shape
    if front.host.active >= serving.limits.max_requests:
        _finish(front, serving, record, _overloaded(serving.limits.max_requests))
    elif shape.encoding >= 0 and incoming.values[shape.encoding].lower() != b"identity":
        _finish(front, serving, record, _ENCODED)
    elif serving.relays:
        relay = Relay(front, serving, incoming, record, span.header)
        front.work_on(relay, incoming.started + serving.listener.timeout_s)
        relay.start()
    else:
        deadline = incoming.started + serving.listener.timeout_s
        call = Call(
            serving.config,
            serving.listener,
            incoming.request(),
            record.request_id,
            span.header.decode(),
            deadline,
            record,
        )
        stream = Stream(front, serving, call)
        front.work_on(stream, deadline)
        stream.start_task()


def refuse(
    front: "Front", serving: "Serving", reply: LocalReply, incoming: Incoming | None
) -> None:
    """Answer bytes that are no acceptable message, and give the connection up."""
    if incoming is None:
        incoming = Incoming("", "", (), (), _NO_SHAPE, serving.now())
    front.closes = True
    record, _ = _record(front, serving, incoming)
    _finish(front, serving, record, reply)


def _record(
    front: "Front", serving: "Serving", incoming: Incoming
) -> tuple[ExchangeRecord, traceparent.Span]:
    """Name a message: its ids, and its place in a trace."""
    shape = incoming.shape
    values = incoming.values
    random = serving.services.random
    span = traceparent.begin(
        values[shape.traceparent] if shape.traceparent >= 0 else None,
        serving.sampling_percent,
        random.getrandbits,
        random.random,
    )
    trace_id = span.trace_id
    request_id = values[shape.request_id] if shape.request_id >= 0 else b""
    if not traceparent.sane_request_id(request_id):
        request_id = traceparent.new_ids(random.getrandbits)[0]
    front.request_id = request_id
    record = ExchangeRecord(
        serving.listener.name,
        incoming.method,
        incoming.path,
        request_id.decode(),
        trace_id.decode(),
        span.span_id.decode(),
        span.parent_span_id.decode(),
        span.sampled,
        incoming.started,
    )
    record.bytes_received = len(incoming.body)
    return record, span


def _finish(
    front: "Front",
    serving: "Serving",
    record: ExchangeRecord,
    reply: LocalReply,
    bodiless: bool = False,
) -> None:
    record.status = reply.status
    record.detail = reply.detail
    record.duration_s = round(serving.now() - record.started, 6)
    serving.services.recorder.finish(record)
    front.reply(reply, bodiless)


def _overloaded(limit: int) -> LocalReply:
    return LocalReply(
        503,
        f"More than {limit} requests at once on this listener.",
        ResponseDetail.OVERLOADED,
        (("retry-after", "1"),),
    )


_NO_SHAPE = RequestShape(())
_ENCODED = LocalReply(
    415,
    "Compressed request bodies are not supported.",
    ResponseDetail.INVALID_BODY,
    (("accept-encoding", "identity"),),
)
