"""A run as its trace tells it: which agents, and which calls of models each of them made."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from deploy.running.collector import attributes


@dataclass(frozen=True, slots=True)
class Part:
    """An agent that was asked, or a call of a model."""

    name: str
    seconds: float
    tokens: int
    """Of a model's call, as the gateway has counted them."""
    calls: tuple["Part", ...] = ()
    """Of an agent: what it asked of models."""


@dataclass(frozen=True, slots=True)
class Traced:
    """One run."""

    trace_id: str
    agents: tuple[Part, ...]
    """In the order in which they were asked."""
    problems: tuple[str, ...] = field(default=())
    """What is in no run, or in another trace."""

    @property
    def calls(self) -> tuple[Part, ...]:
        """Of all agents."""
        return tuple(call for agent in self.agents for call in agent.calls)


def of_run(spans: Iterable[Span], trace_id: str) -> Traced:
    """The run that a client began, whose trace this is."""
    ours = sorted(spans, key=lambda span: span.start_time_unix_nano)
    asked = [span for span in ours if span.name.startswith("invoke_agent ")]
    models = [span for span in ours if attributes(span).get("outrider.listener") == "models"]
    agents = tuple(
        _part(
            span.name.removeprefix("invoke_agent "),
            span,
            tuple(
                _part(str(attributes(call)["gen_ai.request.model"]), call)
                for call in models
                if call.parent_span_id == span.span_id
            ),
        )
        for span in asked
    )
    problems = [
        f"{span.name} is in trace {span.trace_id.hex()}"
        for span in ours
        if span.trace_id.hex() != trace_id
    ]
    places = {span.span_id for span in asked}
    problems += [
        f"a model's call belongs to no agent: {attributes(call)}"
        for call in models
        if call.parent_span_id not in places
    ]
    problems += [f"{agent.name} has asked no model" for agent in agents if not agent.calls]
    return Traced(trace_id, agents, tuple(problems))


def _part(name: str, span: Span, calls: tuple[Part, ...] = ()) -> Part:
    told = attributes(span)
    counted = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
    tokens = sum(value for key in counted if isinstance(value := told.get(key), int))
    seconds = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
    return Part(name, seconds, tokens, calls)
