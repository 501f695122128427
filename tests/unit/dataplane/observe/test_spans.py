import pytest

from dataplane.observe.record import ExchangeRecord
from dataplane.observe.spans import (
    Kind,
    from_headers,
    of_agent,
    of_decision,
    of_exchange,
    of_router,
)
from dataplane.runtime.decision import AgentScore, Decision, Step
from dataplane.runtime.messages import ResponseDetail


def test_exchange_is_told_in_the_words_of_the_conventions() -> None:
    record = ExchangeRecord(
        listener="llm",
        method="POST",
        path="/v1/chat/completions?key=secret",
        status=200,
        started=10.0,
        duration_s=2.0,
        model="fast",
        upstream_model="gpt-4o",
        provider="openai/gpt-4o",
        input_tokens=3,
        output_tokens=5,
        attributes={"tenant.id": "t1"},
    )
    span = of_exchange(record)
    assert (span.name, span.kind) == ("POST /v1/chat/completions", Kind.SERVER)
    assert (span.started, span.ended, span.error) == (10.0, 12.0, "")
    told = {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "fast",
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.request.stream": False,
        "outrider.detail": "via_upstream",
        "tenant.id": "t1",
    }
    assert told.items() <= span.attributes.items()
    assert "error.type" not in span.attributes


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/messages?beta=true", "chat"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/completions", "text_completion"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", "generate_content"),
        ("/model/m/converse-stream", "chat"),
    ],
)
def test_exchange_tells_what_was_done(path: str, operation: str) -> None:
    span = of_exchange(ExchangeRecord(method="POST", path=path))
    assert span.attributes["gen_ai.operation.name"] == operation


@pytest.mark.parametrize(("status", "failed"), [(404, False), (429, False), (502, True)])
def test_only_failures_of_the_server_are_errors(status: int, failed: bool) -> None:
    record = ExchangeRecord(status=status, detail=ResponseDetail.UPSTREAM_RESET)
    assert of_exchange(record).error == ("upstream_reset" if failed else "")


def test_the_filter_that_has_ended_an_exchange_is_told() -> None:
    record = ExchangeRecord(status=403, detail=ResponseDetail.FILTER_REFUSED, filter="guard")
    assert of_exchange(record).attributes["outrider.filter"] == "guard"
    assert "outrider.filter" not in of_exchange(ExchangeRecord(status=200)).attributes


def test_agents_call_is_told() -> None:
    span = of_agent("weather", 1.0, 2.0, 429, "")
    assert (span.name, span.kind, span.error) == ("invoke_agent weather", Kind.CLIENT, "429")
    assert span.attributes["gen_ai.agent.id"] == "weather"


def test_decision_is_told_with_every_score() -> None:
    decision = Decision(("a",), (AgentScore("a", 0.91), AgentScore("b", 0.1)), "why", "bm25")
    span = of_decision(decision, 1.0, 2.0)
    assert span.attributes["outrider.decision.scores"] == ("a=0.910", "b=0.100")
    assert of_router(decision, 1.0, 2.0).name == "choose bm25"


def test_decision_names_everybody_who_was_asked_before() -> None:
    steps = (
        Step("model", problem="it is down", failed=True),
        Step("minilm", ("a",), 0.4, "unsure"),
    )
    decision = Decision(("a",), (), "why", "bm25", 0.8, 0.5, steps, "b")
    told = of_decision(decision, 1.0, 2.0).attributes
    assert told["outrider.decision.steps"] == ("model: it is down", "minilm: unsure (a)")
    assert told["outrider.decision.previous"] == "b"
    assert (told["outrider.decision.confidence"], told["outrider.decision.threshold"]) == (0.8, 0.5)


def test_headers_become_attributes_by_their_first_prefix() -> None:
    headers = (("X-Acme-Tenant-Id", "t1"), ("x-acme-", "none"), ("x-other", "1"))
    assert from_headers(headers, ("x-acme", "x-acme-tenant")) == {"tenant.id": "t1"}
