"""A message as others than a relay see it: as a Call, and as the record of its exchange."""

from typing import TYPE_CHECKING

from dataplane.agents.progress import WISHES
from dataplane.filters.api import Context
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.spans import from_headers
from dataplane.runtime.config import ListenerKind
from dataplane.server.callers import caller_of
from dataplane.server.downstream import Admitted, Call

if TYPE_CHECKING:
    from dataplane.observe import traceparent
    from dataplane.runtime.messages import LocalReply, Request
    from dataplane.server.front import Front
    from dataplane.server.incoming import Incoming
    from dataplane.server.serving import Serving
    from dataplane.server.surface import Ask


def call_of(
    front: "Front",
    incoming: "Incoming",
    ask: "Ask",
    place: "traceparent.Place",
    context: Context | None = None,
    request: "Request | None" = None,
    admitted: Admitted | None = None,
) -> Call:
    """For the coroutine path.

    :param context: what filters know of it, where some have seen it already; then also
    :param request: as it came, and
    :param admitted: what they have made of it.
    """
    serving = incoming.serving
    record = record_of(front, incoming, ask.path, place)
    return Call(
        serving.config,
        serving.listener,
        request or incoming.request(ask.path, ask.query),
        record.request_id,
        place[0].decode("latin-1"),
        incoming.started + serving.timeout_s,
        record,
        serving.chain,
        ask,
        caller_of(incoming, front.peer),
        incoming.principal,
        serving.limiter,
        serving.budgets if serving.listener.kind is ListenerKind.AGENT else None,
        context or context_of(front, incoming, ask),
        _progress(incoming),
        incoming.shape.explain_wish,
        admitted=admitted,
    )


def context_of(front: "Front", incoming: "Incoming", ask: "Ask") -> Context:
    """What filters know of a message by its head."""
    return Context(
        ask.operation,
        incoming.serving.name,
        ask.model or "",
        ask.stream,
        front.request_id.decode("latin-1"),
        incoming.principal,
    )


def record_of(
    front: "Front", incoming: "Incoming", path: str, place: "traceparent.Place"
) -> ExchangeRecord:
    """What is known of an exchange when it begins."""
    header, parent_span_id, sampled = place
    principal = incoming.principal
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
        attributes=attributes_of(incoming) if sampled else {},
        principal=principal.id if principal is not None else "",
        tenant=principal.tenant if principal is not None else "",
        run_id=principal.run.run if principal is not None and principal.run is not None else "",
    )


def attributes_of(incoming: "Incoming") -> dict[str, str]:
    """Headers that the tracing configuration wants in spans."""
    tracing = incoming.serving.config.tracing
    if tracing is None or not tracing.header_prefixes:
        return {}
    return from_headers(incoming.headers(), tracing.header_prefixes)


def finish(
    front: "Front",
    serving: "Serving",
    record: ExchangeRecord,
    reply: "LocalReply",
    bodiless: bool = False,
) -> None:
    """Answer a message ourselves: that is all of its exchange."""
    record.status = reply.status
    record.detail = reply.detail
    record.filter = reply.filter
    now = serving.now()
    serving.recorder.finish(record, now)
    front.reply(reply, now, bodiless)


def _progress(incoming: "Incoming") -> str:
    """What its client says of a run's progress; a word that is none of ours counts as none."""
    at = incoming.shape.progress_wish
    word = incoming.values[at].decode("latin-1").strip().lower() if at >= 0 else ""
    return word if word in WISHES else ""
