"""Agents of real frameworks behind a listener: streamed, in sequence, one trace and one budget.

The agents are those of deploy/examples/frameworks/, which `make example-NAME` shows. Each framework
plays three runs once (framework_runs.py); each test looks at one thing of them.
"""

from functools import cache

import openai
import pytest

from deploy.examples.frameworks.programs import frameworks
from deploy.examples.frameworks.traced import of_run
from tests.interop.framework_runs import Played
from tests.interop.framework_runs import played as play

HEAVY = ("crewai", "langchain_js", "llamaindex")
"""A hundred megabytes and more, or a minute to install."""

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize(
        "framework",
        [
            pytest.param(
                name,
                marks=[
                    pytest.mark.group(f"framework-{name}"),
                    *([pytest.mark.full] if name in HEAVY else []),
                ],
            )
            for name in frameworks()
        ],
    ),
]
FACT = "Genoa has had the Lanterna since 1543, at 77 metres the tallest lighthouse of Italy."


@cache
def played(framework: str) -> Played:
    return play(framework)


def test_writer_tells_what_the_researcher_has_found_with_its_tool(framework: str) -> None:
    run = played(framework).whole
    assert run.error is None
    assert run.headers["x-outrider-agents"] == "researcher,writer"
    assert run.text.strip() == f"Dear reader, {FACT}"
    assert [call.tool for call in run.calls] == ["look_up", "", ""]
    assert run.calls[1].text == f"I found: {FACT}"


def test_client_hears_the_writer_while_it_speaks(framework: str) -> None:
    """The model says the second half when the client has words of the first."""
    run = played(framework).whole
    assert run.text
    assert all(call.streamed for call in run.calls)


def test_one_trace_holds_client_agents_and_calls_of_the_model(framework: str) -> None:
    session = played(framework)
    spans = session.spans
    runs = (session.whole, session.used_up, session.refused)
    assert {span.trace_id.hex() for span in spans} == {run.trace_id for run in runs}
    run = session.whole
    told = of_run([span for span in spans if span.trace_id.hex() == run.trace_id], run.trace_id)
    assert told.problems == ()
    calls = {agent.name: len(agent.calls) for agent in told.agents}
    assert calls == {"researcher": 2, "writer": 1}
    assert [one["traceparent"].split("-")[1] for one in run.received] == [run.trace_id] * 3


def test_model_learns_nothing_of_the_run(framework: str) -> None:
    received = played(framework).whole.received
    assert [name for one in received for name in one if "outrider" in name] == []


def test_budget_is_charged_what_the_model_has_booked(framework: str) -> None:
    session = played(framework)
    for run in (session.whole, session.used_up, session.refused):
        assert run.spent == run.tokens


def test_client_is_told_what_the_writer_has_used(framework: str) -> None:
    run = played(framework).whole
    assert run.usage == (run.calls[2].input_tokens, run.calls[2].output_tokens)


def test_nobody_is_asked_when_the_budget_is_used_up(framework: str) -> None:
    run = played(framework).used_up
    assert isinstance(run.error, openai.UnprocessableEntityError)
    assert run.error.code == "run_limit"
    assert "is used up" in run.error.message
    assert run.headers["x-outrider-stopped"] == "tokens"
    assert run.headers["x-outrider-steps"].startswith("researcher;ok")
    assert [call.tool for call in run.calls] == ["look_up", ""]


def test_agent_whose_call_is_refused_ends_the_run(framework: str) -> None:
    run = played(framework).refused
    assert isinstance(run.error, openai.UnprocessableEntityError)
    assert run.error.code == "run_limit"
    assert "is used up" in run.error.message
    assert run.headers["x-outrider-steps"] == "researcher;failed=run_limit"
    assert len(run.calls) == 1
