"""Plans whose agents fail in every way: each time the truth, and nothing is left behind.

An outcome is what the client has: the status and the error's word, or the words it heard; "~" is
where a stream was broken off, with the word of its error event. After it comes what the access log
says of the steps.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.support.agents import Answering, Received, events, never, starts_and_hangs
from tests.support.failing import WAYS, as_told
from tests.support.team import MERGED, PARALLEL, SEQUENCE, Heard, Team, now, question, team

PATIENCE = "4s"
LEAVING_S = 0.1
"""From the client's leaving to the end of every call for it."""
LOOP = "{mode: loop}"
PROGRESS = "{steps: [weather, flights], progress: always}"


def same(outcome: str, **other: str) -> dict[str, str]:
    """One outcome of all ways but those named; %s: how the log calls the way."""
    why = {
        "dies before": "upstream_reset",
        "dies during": "upstream_truncated",
        "dies after": "?",
        "is silent": "upstream_silent",
        "falls silent": "upstream_silent",
        "is no chat": "unreadable",
        "is no json": "unreadable",
        "is huge": "upstream_protocol_error",
        "answers 503": "503",
        "fails in band": "unreadable",
    }
    told = {way: outcome.replace("%s", word) for way, word in why.items()}
    return told | {way.replace("_", " "): text for way, text in other.items()}


FIRST_FAILS = same(
    "502 agent_failed | weather;failed=%s",
    dies_after="This is flights. | weather;ok, flights;ok",
    is_silent="504 agent_failed | weather;failed=upstream_silent",
    falls_silent="504 agent_failed | weather;failed=upstream_silent",
)
FIRST_IS_SKIPPED = same(
    "This is flights. | weather;failed=%s;skipped, flights;ok",
    dies_after="This is flights. | weather;ok, flights;ok",
)
FIRST_IS_REPLACED = same(
    "This is flights. | weather;failed=%s, writer;ok;for=weather, flights;ok",
    dies_after="This is flights. | weather;ok, flights;ok",
)
LAST_FAILS = same(
    "502 agent_failed | weather;ok, flights;failed=%s",
    dies_before="502 upstream_reset | weather;ok, flights;failed=upstream_reset",
    dies_during="This  ~ upstream_truncated | weather;ok, flights;failed=upstream_truncated",
    dies_after="This is all. | weather;ok, flights;ok",
    is_silent="504 upstream_silent | weather;ok, flights;failed=upstream_silent",
    falls_silent="This  ~ upstream_silent | weather;ok, flights;failed=upstream_silent",
    is_huge="(huge) | weather;ok, flights;ok",
    answers_503="503 Asleep. | weather;ok, flights;failed=503",
    fails_in_band="This  ~ server_error | weather;ok, flights;failed=upstream_error",
)
LAST_IS_SKIPPED = LAST_FAILS | same(
    "This is weather. | weather;ok, flights;failed=%s;skipped",
    **{
        way.replace(" ", "_"): LAST_FAILS[way]
        for way in ("dies during", "dies after", "falls silent", "is huge", "fails in band")
    },
)
LAST_FAILS_AFTER_PROGRESS = LAST_FAILS | {
    "dies before": " ~ upstream_reset | weather;ok, flights;failed=upstream_reset",
    "is silent": " ~ upstream_silent | weather;ok, flights;failed=upstream_silent",
    "is no chat": " ~ agent_failed | weather;ok, flights;failed=unreadable",
    "is no json": " ~ agent_failed | weather;ok, flights;failed=unreadable",
    "is huge": " ~ upstream_protocol_error | weather;ok, flights;failed=upstream_protocol_error",
    "answers 503": " ~ agent_failed | weather;ok, flights;failed=503",
}
HEARD_FIRST = "This is weather.\n\n"
SECOND_OF_A_SET_FAILS = same(
    "This is weather. ~ agent_failed | flights;failed=%s",
    dies_during=HEARD_FIRST + "This  ~ agent_failed | flights;failed=upstream_truncated",
    dies_after=HEARD_FIRST + "This is all. | flights;ok",
    falls_silent=HEARD_FIRST + "This  ~ agent_failed | flights;failed=upstream_silent",
    fails_in_band=HEARD_FIRST + "This  ~ agent_failed | flights;failed=unreadable",
)
SECOND_OF_A_SET_IS_SKIPPED = same(
    "This is weather. | weather;ok, flights;failed=%s;skipped",
    dies_after=HEARD_FIRST + "This is all. | weather;ok, flights;ok",
)
ONE_BEFORE_THE_MERGE_FAILS = same(
    "502 agent_failed | weather;failed=%s",
    dies_after="This is writer. | weather;ok",
    is_silent="504 agent_failed | weather;failed=upstream_silent",
    falls_silent="504 agent_failed | weather;failed=upstream_silent",
)
WHO_MERGES_FAILS = {
    way: told.replace("weather;ok, flights", "weather;ok, flights;ok, writer")
    for way, told in LAST_FAILS.items()
}
CASES = [
    pytest.param(SEQUENCE, "weather", {}, FIRST_FAILS, id="first"),
    pytest.param(
        SEQUENCE, "weather", {"weather_fails": "skip"}, FIRST_IS_SKIPPED, id="first, skipped"
    ),
    pytest.param(
        SEQUENCE, "weather", {"weather_fails": "writer"}, FIRST_IS_REPLACED, id="first, replaced"
    ),
    pytest.param(SEQUENCE, "flights", {}, LAST_FAILS, id="last"),
    pytest.param(
        SEQUENCE, "flights", {"flights_fails": "skip"}, LAST_IS_SKIPPED, id="last, skipped"
    ),
    pytest.param(PROGRESS, "flights", {}, LAST_FAILS_AFTER_PROGRESS, id="last, after progress"),
    pytest.param(LOOP, "flights", {}, LAST_FAILS, id="last of a loop"),
    pytest.param(LOOP, "weather", {}, FIRST_FAILS, id="first of a loop"),
    pytest.param(PARALLEL, "flights", {}, SECOND_OF_A_SET_FAILS, id="one of a set"),
    pytest.param(
        PARALLEL,
        "flights",
        {"flights_fails": "skip"},
        SECOND_OF_A_SET_IS_SKIPPED,
        id="one of a set, skipped",
    ),
    pytest.param(MERGED, "weather", {}, ONE_BEFORE_THE_MERGE_FAILS, id="before a merge"),
    pytest.param(MERGED, "writer", {}, WHO_MERGES_FAILS, id="who merges"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("plan", "failing", "policy", "expected"), CASES)
async def test_outcome_of_every_way_to_fail_is_the_truth(
    tmp_path: Path, plan: str, failing: str, policy: dict[str, str], expected: dict[str, str]
) -> None:
    async with team(tmp_path, plan, patience=PATIENCE, **policy) as made:
        alone = "parallel" not in plan or failing == "writer"
        found = await outcomes(made, failing, all_steps=alone or bool(policy))
    assert {way: found[way] for way in expected} == expected


async def outcomes(made: Team, failing: str, *, all_steps: bool) -> dict[str, str]:
    """Of every way in which one agent may fail, all at once.

    :param all_steps: else only what that agent did: when it failed, others may have been half way.
    """
    agent = {"weather": made.weather, "flights": made.flights, "writer": made.writer}[failing]
    agent.answer = as_told(agent.answer)
    heard = await asyncio.gather(*(made.ask(model=way) for way in WAYS))
    found: dict[str, str] = {}
    for way, one in zip(WAYS, heard, strict=True):
        logged = await made.logged(one.headers["x-outrider-run-id"])
        steps = [step for step in logged["steps"] if all_steps or step.startswith(failing)]
        found[way] = f"{shown(one)} | {', '.join(steps)}"
    await made.nothing_runs()
    return found


def shown(heard: Heard) -> str:
    """What a client has, in a line."""
    if heard.status >= 400:
        return f"{heard.status} {heard.error.get('code') or heard.error['message']}"
    text = heard.text if len(heard.text) < 100 else "(huge)"
    if heard.cut:
        assert not heard.done
        return f"{text} ~ {heard.error.get('code') or heard.error['type']}"
    assert heard.done or not heard.chunks
    return text


WORDS = events(["This "])[0]
LEAVING = [
    pytest.param(SEQUENCE, {"weather": never()}, id="first of a sequence"),
    pytest.param(SEQUENCE, {"flights": never()}, id="last of a sequence"),
    pytest.param(SEQUENCE, {"flights": starts_and_hangs(WORDS)}, id="last, while it speaks"),
    pytest.param(PROGRESS, {"weather": never()}, id="after progress"),
    pytest.param(PARALLEL, {"weather": never(), "flights": never()}, id="a set"),
    pytest.param(
        PARALLEL,
        {"weather": starts_and_hangs(WORDS), "flights": starts_and_hangs(WORDS)},
        id="a set, while it speaks",
    ),
    pytest.param(MERGED, {"weather": never(), "flights": never()}, id="a set before a merge"),
    pytest.param(MERGED, {"writer": starts_and_hangs(WORDS)}, id="who merges"),
    pytest.param(LOOP, {"flights": never()}, id="a loop"),
]


@pytest.mark.parametrize(("plan", "hanging"), LEAVING)
async def test_client_that_leaves_ends_every_call_within_100_ms(
    tmp_path: Path, plan: str, hanging: dict[str, Answering]
) -> None:
    async with team(tmp_path, plan) as made:
        asked: list[Received] = []
        reached = asyncio.Event()

        def counted(answer: Answering) -> Answering:
            async def answers(one: Received) -> Any:
                asked.append(one)
                if len(asked) == len(hanging):
                    reached.set()
                return await answer(one)

            return answers

        agents = {"weather": made.weather, "flights": made.flights, "writer": made.writer}
        for name, answer in hanging.items():
            agents[name].answer = counted(answer)
        async with ClientSession() as http, asyncio.TaskGroup() as group, asyncio.timeout(20):
            asking = group.create_task(leaves(http, made.url))
            await reached.wait()
            left = now()
            asking.cancel()
            for one in asked:
                await one.cancelled.wait()
            took = now() - left
        assert took < LEAVING_S
        await made.nothing_runs()


async def leaves(http: ClientSession, url: str) -> None:
    """A client that reads until it is cancelled; its connection is cut then."""
    async with http.post(url, json=question()) as response:
        async for _ in response.content.iter_any():
            pass


@pytest.mark.parametrize("plan", [SEQUENCE, PARALLEL, LOOP], ids=["sequence", "set", "loop"])
async def test_deadline_ends_every_call_of_a_run(tmp_path: Path, plan: str) -> None:
    async with team(tmp_path, plan, limit="700ms") as made:
        made.weather.answer = never()
        heard = await made.ask()
        assert (heard.status, heard.error["code"]) == (504, "deadline_exceeded")
        await made.nothing_runs()


async def test_one_of_a_set_that_fails_ends_the_calls_of_the_others(tmp_path: Path) -> None:
    async with team(tmp_path, PARALLEL) as made:
        reached = asyncio.Event()

        async def hangs(one: Received) -> Any:
            reached.set()
            return await never()(one)

        async def fails(one: Received) -> Any:
            await reached.wait()
            return await WAYS["answers 503"](one)

        made.weather.answer, made.flights.answer = hangs, fails
        heard = await made.ask()
        assert (heard.status, heard.error["code"]) == (502, "agent_failed")
        assert heard.headers["x-outrider-steps"] == "weather, flights;failed=503"
        await made.nothing_runs()


async def test_run_that_its_client_left_is_logged_as_far_as_it_came(tmp_path: Path) -> None:
    async with team(tmp_path, SEQUENCE) as made, ClientSession() as http:
        made.flights.answer = starts_and_hangs(WORDS)
        async with http.post(made.url, json=question()) as response:
            await response.content.readline()
            run_id = response.headers["x-outrider-run-id"]
            response.close()
        logged = await made.logged(run_id)
        assert (logged["detail"], logged["steps"]) == ("downstream_gone", ["weather;ok", "flights"])
