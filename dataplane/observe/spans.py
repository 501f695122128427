"""What spans say about an exchange, in the words of OpenTelemetry's GenAI conventions; pure.

Rule: no content. Neither messages nor answers nor credentials get into a trace.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.decision import Decision
from dataplane.runtime.messages import Headers

Attribute = str | int | float | bool | Sequence[str]

_GENERATE = (":generateContent", ":streamGenerateContent")


class Kind(Enum):
    """Whose side of a call a span tells."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Span:
    """A finished span, all but its place in the trace. Times are on Clock.now()."""

    name: str
    kind: Kind
    started: float
    ended: float
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str = ""
    """What failed; empty when nothing did."""


def of_exchange(record: ExchangeRecord) -> Span:
    """The span of the exchange itself."""
    failed = record.status >= 500 or record.status == 0
    path = record.path.partition("?")[0]
    attributes: dict[str, Attribute] = {
        "http.request.method": record.method,
        "url.path": path,
        "http.response.status_code": record.status,
        "gen_ai.operation.name": "invoke_agent" if record.agents else _operation(path),
        "gen_ai.request.model": record.model,
        "gen_ai.request.stream": record.stream,
        "gen_ai.response.model": record.upstream_model,
        "gen_ai.response.time_to_first_chunk": record.first_byte_s,
        "gen_ai.usage.input_tokens": record.input_tokens,
        "gen_ai.usage.output_tokens": record.output_tokens,
        "error.type": record.detail.value if failed else "",
        "server.address": record.endpoint,
        "outrider.listener": record.listener,
        "outrider.route": record.route,
        "outrider.provider": record.provider,
        "outrider.agents": record.agents,
        "outrider.agent.versions": record.versions,
        "outrider.session.id": record.session,
        "outrider.decision.reason": record.decision,
        "outrider.run.id": record.run_id,
        "outrider.run.steps": record.steps,
        "outrider.detail": record.detail.value,
        "outrider.filter": record.filter,
        "outrider.attempts": record.attempts,
        "outrider.failures": record.failures,
        "outrider.wasted_tokens": record.wasted_tokens,
        "outrider.recovery": record.recovery,
        "outrider.request_id": record.request_id,
        "enduser.id": record.principal,
        "outrider.tenant": record.tenant,
        "outrider.route.preference": record.route_preference,
        "outrider.session.pinned": "true" if record.pinned else "",
        "outrider.session.switched": "true" if record.switched else "",
    }
    told = {key: value for key, value in attributes.items() if value or value is False}
    ended = record.started + record.duration_s
    name = f"{record.method} {path}"
    error = record.detail.value if failed else ""
    return Span(name, Kind.SERVER, record.started, ended, told | record.attributes, error)


def _operation(path: str) -> str:
    """What a model is asked for, in the words of the conventions."""
    if path == "/v1/embeddings":
        return "embeddings"
    if path == "/v1/completions":
        return "text_completion"
    return "generate_content" if path.endswith(_GENERATE) else "chat"


def of_agent(agent: str, started: float, ended: float, status: int, error: str) -> Span:
    """The call of one agent, `id` or `id@version`; status 0 when it gave no answer."""
    name, _, version = agent.partition("@")
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": name,
        "gen_ai.agent.name": name,
    }
    if version:
        attributes["gen_ai.agent.version"] = version
    return _call(f"invoke_agent {name}", attributes, started, ended, status, error)


def of_filter(name: str, started: float, ended: float, status: int, error: str) -> Span:
    """The call of one HTTP filter; status 0 when it gave no answer."""
    return _call(f"filter {name}", {"outrider.filter": name}, started, ended, status, error)


def of_api(name: str, started: float, ended: float, status: int, error: str) -> Span:
    """The call of a prompt target's API; status 0 when it gave no answer."""
    return _call(f"call {name}", {"outrider.endpoint": name}, started, ended, status, error)


def of_routing_model(name: str, started: float, ended: float, status: int, error: str) -> Span:
    """The call of a model that chooses; status 0 when it gave no answer."""
    attributes: dict[str, Attribute] = {"outrider.routing.model": name}
    return _call(f"choose {name}", attributes, started, ended, status, error)


def of_router(decision: Decision, started: float, ended: float) -> Span:
    """What the embedded router makes of a request; whether it has the last word is another's."""
    attributes = _decided(decision)
    return Span(f"choose {decision.method}", Kind.INTERNAL, started, ended, attributes)


def of_decision(decision: Decision, started: float, ended: float) -> Span:
    """Which agents act, and why: whoever was asked, and what each of them said."""
    steps = tuple(
        f"{one.method}: {one.problem}" + (f" ({', '.join(one.agents)})" if one.agents else "")
        for one in decision.steps
    )
    attributes = _decided(decision)
    attributes["outrider.decision.threshold"] = decision.threshold
    if steps:
        attributes["outrider.decision.steps"] = steps
    if decision.previous:
        attributes["outrider.decision.previous"] = decision.previous
    return Span("decide", Kind.INTERNAL, started, ended, attributes)


def _decided(decision: Decision) -> dict[str, Attribute]:
    return {
        "outrider.decision.method": decision.method,
        "outrider.decision.agents": decision.agents,
        "outrider.decision.confidence": decision.confidence,
        "outrider.decision.scores": tuple(
            f"{one.agent}={one.score:.3f}" for one in decision.scores
        ),
        "outrider.decision.reason": decision.reason,
    }


def _call(
    name: str,
    attributes: dict[str, Attribute],
    started: float,
    ended: float,
    status: int,
    error: str,
) -> Span:
    if status:
        attributes["http.response.status_code"] = status
    if not error and status >= 400:
        error = str(status)
    if error:
        attributes["error.type"] = error
    return Span(name, Kind.CLIENT, started, ended, attributes, error)


def from_headers(headers: Headers, prefixes: Iterable[str]) -> dict[str, str]:
    """Attributes an operator asked for: with prefix x-acme-, x-acme-tenant-id becomes tenant.id."""
    found: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        for prefix in prefixes:
            if low.startswith(prefix) and (key := low.removeprefix(prefix).lstrip("-")):
                found[key.replace("-", ".")] = value
                break
    return found
