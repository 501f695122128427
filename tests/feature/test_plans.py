"""How several agents answer one request: in turn, at once, or as long as it takes."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import anthropic
import pytest
from aiohttp import ClientError, ClientSession, web

from tests.support.agents import Received, completion, replies, says_on
from tests.support.team import BOTH, MERGED, PARALLEL, SEQUENCE, question, team

WEATHER = {"role": "assistant", "name": "weather", "content": "This is weather."}
FLIGHTS = {"role": "assistant", "name": "flights", "content": "This is flights."}
ASKED = {"role": "user", "content": BOTH}


async def test_fixed_steps_are_run_whatever_is_asked(tmp_path: Path) -> None:
    async with team(tmp_path, "{steps: [flights, weather, writer]}") as made:
        heard = await made.ask(stream=False)
        assert heard.text == "This is writer."
        assert heard.headers["x-outrider-agents"] == "flights,weather,writer"
        assert heard.headers["x-outrider-steps"] == "flights;ok, weather;ok, writer"
        assert made.writer.received[0].body["messages"] == [FLIGHTS, WEATHER, ASKED]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_parallel_answers_come_one_after_the_other(tmp_path: Path, stream: bool) -> None:
    async with team(tmp_path, PARALLEL) as made:
        heard = await made.ask(stream=stream, stream_options={"include_usage": True})
        assert heard.text == "This is weather.\n\nThis is flights."
        assert heard.headers["x-outrider-agents"] == "weather,flights"
        told = heard.chunks[-1] if stream else completion("") | {"usage": {"total_tokens": 16}}
        assert told["usage"]["total_tokens"] == 16
        logged = await made.logged(heard.headers["x-outrider-run-id"])
        assert (logged["input_tokens"], logged["output_tokens"]) == (6, 10)
        assert logged["steps"] == ["weather;ok", "flights;ok"]
        assert made.flights.received[0].body["messages"] == [ASKED]


async def test_agent_that_merges_makes_one_answer(tmp_path: Path) -> None:
    async with team(tmp_path, MERGED) as made:
        heard = await made.ask()
        assert (heard.text, heard.done) == ("This is writer.", True)
        assert made.writer.received[0].body["messages"] == [WEATHER, FLIGHTS, ASKED]


async def test_agents_that_were_chosen_answer_at_once(tmp_path: Path) -> None:
    async with team(tmp_path, "{mode: parallel, merge: writer}") as made:
        heard = await made.ask(stream=False)
        assert heard.text == "This is writer."
        assert heard.headers["x-outrider-agents"] == "weather,flights,writer"
        assert made.flights.received[0].body["messages"] == [ASKED]


async def test_loop_ends_when_nobody_is_left(tmp_path: Path) -> None:
    async with team(tmp_path, "{mode: loop}") as made:
        heard = await made.ask()
        assert (heard.text, heard.done) == ("This is flights.", True)
        assert heard.headers["x-outrider-steps"] == "weather;ok, flights"


async def test_loop_among_fixed_steps_is_of_its_agents_and_then_the_next_step(
    tmp_path: Path,
) -> None:
    plan = "{steps: [{loop: [flights, weather]}, writer]}"
    async with team(tmp_path, plan) as made:
        heard = await made.ask()
        assert (heard.text, heard.done) == ("This is writer.", True)
        assert heard.headers["x-outrider-steps"] == "weather;ok, flights;ok, writer"
        assert made.writer.received[0].body["messages"] == [WEATHER, FLIGHTS, ASKED]


async def test_no_more_agents_answer_than_allowed(tmp_path: Path) -> None:
    async with team(tmp_path, "{max_agents: 1}") as made:
        heard = await made.ask(stream=False)
        assert heard.text == "This is weather."
        assert heard.headers["x-outrider-reason"].endswith("the first 1 of 2")
        assert made.flights.received == []


async def test_budget_that_is_used_up_ends_the_run(tmp_path: Path) -> None:
    async with team(tmp_path, "{steps: [weather, flights], budget: {tokens: 8}}") as made:
        heard = await made.ask()
        assert (heard.status, heard.error["code"]) == (422, "run_limit")
        assert "the budget of 8 tokens is used up" in heard.error["message"]
        assert heard.headers["x-outrider-stopped"] == "tokens"
        assert heard.headers["x-outrider-steps"] == "weather;ok"
        assert made.flights.received == []


async def test_agent_that_is_never_chosen_answers_where_it_is_named(tmp_path: Path) -> None:
    fails = {"weather_fails": "writer", "choosable": "false"}
    async with team(tmp_path, **fails) as made:
        made.weather.answer = replies(503, {"error": {"message": "asleep"}})
        heard = await made.ask()
        assert heard.text == "This is flights."
        assert heard.headers["x-outrider-agents"] == "writer,flights"
        steps = "weather;failed=503, writer;ok;for=weather, flights"
        assert heard.headers["x-outrider-steps"] == steps


async def test_progress_is_told_in_chunks_that_the_sdk_hands_on(tmp_path: Path) -> None:
    async with team(tmp_path, SEQUENCE) as made, made.client() as client:
        stream = await client.chat.completions.create(
            **question(), extra_headers={"x-outrider-progress": "events"}
        )
        chunks = [chunk async for chunk in stream]
    told = [getattr(chunk, "outrider", None) for chunk in chunks]
    events = [one for one in told if one is not None]
    assert [(one["event"], one.get("agent")) for one in events] == [
        ("decided", None),
        ("started", "weather"),
        ("answered", "weather"),
        ("started", "flights"),
    ]
    assert events[2]["text"] == "This is weather."
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert words == ["This is ", "flights.", None]


async def test_agents_on_the_way_are_heard_as_they_speak(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    async with team(tmp_path, SEQUENCE) as made, made.client() as client:
        made.weather.answer = says_on(go_on, "This is ", "weather.")
        stream = await client.chat.completions.create(
            **question(), extra_headers={"x-outrider-progress": "text"}
        )
        events: list[dict[str, Any]] = []
        words = ""
        async for chunk in stream:
            told = getattr(chunk, "outrider", None)
            if told is not None:
                events.append(told)
                if told["event"] == "delta":
                    go_on.set()  # (it says no more before its first words were heard)
            words += "".join(one.delta.content or "" for one in chunk.choices)
    assert [one["event"] for one in events] == [
        *("decided", "started", "delta", "delta", "answered", "started")
    ]
    heard = [(one["agent"], one["step"], one["text"]) for one in events if one["event"] == "delta"]
    assert heard == [("weather", 1, "This is "), ("weather", 1, "weather.")]
    assert events[4]["text"] == "This is weather."
    assert words == "This is flights."


async def test_agents_of_a_part_are_heard_beside_each_other(tmp_path: Path) -> None:
    async with team(tmp_path, "{steps: [{parallel: [weather, writer]}, flights]}") as made:
        heard = await made.ask(progress="text")
    deltas = [one for one in heard.progress if one["event"] == "delta"]
    by_agent = {
        name: "".join(one["text"] for one in deltas if one["agent"] == name)
        for name in ("weather", "writer")
    }
    assert by_agent == {"weather": "This is weather.", "writer": "This is writer."}
    assert heard.text == "This is flights."


async def test_what_agents_use_up_is_known_when_they_are_overheard(tmp_path: Path) -> None:
    async with team(tmp_path, SEQUENCE) as made:
        heard = await made.ask(progress="text")
        assert made.weather.received[0].body["stream_options"] == {"include_usage": True}
        logged = await made.logged(heard.headers["x-outrider-run-id"])
        assert (logged["input_tokens"], logged["output_tokens"]) == (6, 10)


async def test_progress_in_comments_leaves_the_answer_as_it_is(tmp_path: Path) -> None:
    async with team(tmp_path, SEQUENCE) as made:
        heard = await made.ask(progress="comments")
        assert heard.text == "This is flights."
        assert heard.progress == []
        assert heard.body.startswith(b': outrider {"event":"decided"')
        assert heard.body.count(b"\n: outrider ") == 3


@pytest.mark.parametrize(("plan", "wish"), [("never", "events"), ("always", "never")])
async def test_who_wants_no_progress_gets_none(tmp_path: Path, plan: str, wish: str) -> None:
    async with team(tmp_path, f"{{steps: [weather, flights], progress: {plan}}}") as made:
        heard = await made.ask(progress=wish)
        assert heard.body.count(b"outrider") == 0


async def test_agent_that_does_not_stream_is_streamed_after_progress(tmp_path: Path) -> None:
    async with team(tmp_path, "{steps: [weather, flights], progress: always}") as made:
        made.flights.answer = replies(200, completion("None."))
        heard = await made.ask()
        assert (heard.text, heard.done) == ("None.", True)


async def test_parallel_agents_are_heard_as_they_speak(tmp_path: Path) -> None:
    heard_weather = asyncio.Event()

    async def waits(one: Received) -> web.StreamResponse:
        await heard_weather.wait()
        return web.json_response(completion("None."))

    async with team(tmp_path, PARALLEL) as made, made.client() as client:
        made.flights.answer = waits
        words = ""
        async for chunk in await client.chat.completions.create(**question()):
            words += (chunk.choices[0].delta.content or "") if chunk.choices else ""
            if words == "This is weather.":
                heard_weather.set()
        assert words == "This is weather.\n\nNone."


MESSAGES: dict[str, Any] = {
    "model": "any",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": BOTH}],
}
ELSEWHERE = [
    pytest.param("/v1/messages", MESSAGES, b"event: message_stop", id="messages"),
    pytest.param(
        "/v1/responses",
        {"model": "any", "input": BOTH},
        b"event: response.completed",
        id="responses",
    ),
]


@pytest.mark.parametrize(("path", "body", "end"), ELSEWHERE)
@pytest.mark.parametrize("failing", [False, True], ids=["well", "failing"])
async def test_progress_is_told_in_the_clients_own_api(
    tmp_path: Path, path: str, body: dict[str, object], end: bytes, failing: bool
) -> None:
    async with team(tmp_path, SEQUENCE) as made, ClientSession() as http:
        if failing:
            made.flights.answer = replies(503, {"error": {"message": "asleep"}})
        asked = http.post(
            made.planes.url("team") + path,
            json={**body, "stream": True},
            headers={"x-outrider-progress": "events"},
        )
        data = b""
        async with asked as answer:
            with suppress(ClientError):
                async for piece in answer.content.iter_any():
                    data += piece
    assert data.startswith(b'event: outrider\ndata: {"type":"outrider","event":"decided"')
    assert data.count(b"event: outrider\n") == (5 if failing else 4)
    assert (end in data) is not failing
    assert (b"event: error" in data and b"asleep" in data) is failing


async def test_anthropics_sdk_passes_over_progress(tmp_path: Path) -> None:
    async with team(tmp_path, SEQUENCE) as made:
        client = anthropic.AsyncAnthropic(base_url=made.planes.url("team"), api_key="sk-client")
        wish = {"x-outrider-progress": "events"}
        async with client, client.messages.stream(**MESSAGES, extra_headers=wish) as stream:
            assert await stream.get_final_text() == "This is flights."


async def test_openais_sdk_hands_progress_on_in_responses(tmp_path: Path) -> None:
    async with team(tmp_path, SEQUENCE) as made, made.client() as client:
        stream = await client.responses.create(
            model="any", input=BOTH, stream=True, extra_headers={"x-outrider-progress": "events"}
        )
        kinds = [str(event.type) async for event in stream]
    assert kinds.count("outrider") == 4
    assert kinds[-1] == "response.completed"
