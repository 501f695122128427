"""Agents that are tools of MCP servers, asked by clients that know only chat."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.support.agents import Service, service
from tests.support.agents import says as answers
from tests.support.mcp_server import (
    SESSIONS,
    STATELESS,
    McpFake,
    Said,
    Tool,
    mcp_server,
    says,
    served,
    text,
)
from tests.support.planes import Planes, planes
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: research
    url: {research}
    protocol: mcp{more}
  - {{id: baker, url: "{baker}"}}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents: [{{id: research}}]
  - type: agent
    name: town
    address: 127.0.0.1
    port: 0
    agents:
      - {{id: baker, description: "Bakes bread, cakes and rolls."}}
      - {{id: research}}
  - type: agent
    name: both
    address: 127.0.0.1
    port: 0
    plan: {{steps: [research, baker]}}
    agents:
      - {{id: baker, description: "Bakes bread, cakes and rolls."}}
      - {{id: research}}
"""
SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}, "depth": {"type": "integer"}},
    "required": ["question"],
}
ABOUT = {
    "ask": {"description": "Researches the history of trains.", "inputSchema": SCHEMA},
}
BOTH = pytest.mark.parametrize("generation", [SESSIONS, STATELESS])


class Desk:
    """The planes, an MCP server and an agent beside it."""

    def __init__(self, made: Planes, server: McpFake, baker: Service, more: str) -> None:
        self.planes = made
        self.server = server
        self.baker = baker
        self.more = more

    async def ask(
        self, *said: str, listener: str = "desk", headers: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, dict[str, str], Any]:
        """A conversation of user and assistant in turn; status, headers and body of the answer."""
        messages = [
            {"role": "assistant" if at % 2 else "user", "content": one}
            for at, one in enumerate(said)
        ]
        url = self.planes.url(listener) + "/v1/chat/completions"
        async with (
            ClientSession(headers={"authorization": "Bearer secret", "x-own": "y"}) as session,
            session.post(
                url, json={"model": "m", "messages": messages} | more, headers=headers
            ) as answer,
        ):
            told = {name.lower(): value for name, value in answer.headers.items()}
            is_json = answer.content_type == "application/json"
            return answer.status, told, await (answer.json() if is_json else answer.text())

    def calls(self) -> list[dict[str, Any]]:
        """The params of every call of a tool."""
        return [one["params"] for one in self.server.heard if one.get("method") == "tools/call"]


Start = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(
            tool: Tool, generation: str = SESSIONS, more: str = "", **fake: Any
        ) -> Desk:
            made: dict[str, Any] = {"tools": {"ask": tool}, "about": ABOUT} | fake
            server = await stack.enter_async_context(mcp_server(generations=(generation,), **made))
            baker = await stack.enter_async_context(service(answers("Fresh ", "rolls.")))
            config = CONFIG.format(research=server.url, baker=baker.url, more=more)
            running = await stack.enter_async_context(planes(config, tmp_path))
            return Desk(running, server, baker, more)

        yield start


def words(answer: Any) -> str:
    said: str = answer["choices"][0]["message"]["content"]
    return said


def streamed(body: str) -> str:
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    return "".join(
        one["choices"][0]["delta"].get("content") or "" for one in events if one["choices"]
    )


@BOTH
async def test_tools_text_is_the_agents_answer_streamed_and_not(
    desk: Start, generation: str
) -> None:
    made = await desk(says("In 1825."), generation)
    status, headers, body = await made.ask("When was the first railway?")
    assert (status, words(body)) == (200, "In 1825.")
    assert headers["x-outrider-agents"] == "research"
    _, _, stream = await made.ask("When was the first railway?", stream=True)
    assert streamed(stream) == "In 1825."
    assert stream.endswith("data: [DONE]\n\n")
    first, second = made.calls()
    assert first["name"] == "ask"
    assert first["arguments"] == second["arguments"] == {"question": "When was the first railway?"}


@BOTH
async def test_server_gets_no_credential_of_the_client(desk: Start, generation: str) -> None:
    made = await desk(says("In 1825."), generation)
    await made.ask("When?")
    seen = made.server.headers[-1]
    assert seen["x-own"] == "y"
    assert "authorization" not in seen
    assert seen["accept"] == "application/json, text/event-stream"


async def test_session_is_one_questions_and_ends_with_it(desk: Start) -> None:
    made = await desk(says("In 1825."))
    await made.ask("When?")
    await made.ask("When?")
    await until(lambda: not made.server.sessions)
    of_calls = [
        headers["mcp-session-id"]
        for headers, body in zip(made.server.headers, made.server.heard, strict=True)
        if body["method"] == "tools/call"
    ]
    assert len(set(of_calls)) == 2


async def test_conversation_goes_in_as_a_transcript(desk: Start) -> None:
    made = await desk(says("In 1830."))
    await made.ask("When was the first railway?", "In 1825.", "And the second?")
    assert made.calls()[0]["arguments"]["question"] == (
        "user: When was the first railway?\n\nassistant: In 1825.\n\nuser: And the second?"
    )


async def test_operator_says_what_the_tool_is_called_with(desk: Start) -> None:
    more = """
    tool: dig
    arguments: {q: "Briefly: {message}", past: "{messages}", depth: 3, tags: [a, "{message}"]}"""
    about = {"dig": {"inputSchema": {"type": "object", "required": ["q", "past"]}}}
    tools = {"dig": says("Deep."), "other": says("No.")}
    made = await desk(says("-"), more=more, tools=tools, about=about)
    _, _, body = await made.ask("One?", "Two.", "Three?")
    assert words(body) == "Deep."
    (call,) = made.calls()
    assert call["arguments"] == {
        "q": "Briefly: Three?",
        "past": [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three?"},
        ],
        "depth": 3,
        "tags": ["a", "Three?"],
    }


async def test_tools_own_words_are_its_description(desk: Start) -> None:
    made = await desk(says("In 1825."))

    async def chosen() -> str:
        _, headers, _ = await made.ask("What is the history of trains?", listener="town")
        return headers["x-outrider-agents"]

    async with asyncio.timeout(10):
        while await chosen() != "research":  # noqa: ASYNC110 - each look is a request
            await asyncio.sleep(0.05)


async def test_answer_goes_on_to_the_next_agent_of_a_plan(desk: Start) -> None:
    made = await desk(says("Bread is old."))
    _, _, body = await made.ask("Bake.", listener="both")
    assert words(body) == "Fresh rolls."
    told = made.baker.received[0].body["messages"]
    assert told[0] == {"role": "assistant", "name": "research", "content": "Bread is old."}


@BOTH
@pytest.mark.parametrize("stream", [False, True])
async def test_tool_that_fails_is_an_error_with_its_words_and_not_called_again(
    desk: Start, generation: str, stream: bool
) -> None:
    async def fails(said: Said) -> web.StreamResponse:
        return await said.done({**text("The archive is shut."), "isError": True})

    made = await desk(fails, generation)
    status, _, body = await made.ask("When?", stream=stream)
    assert status == 424
    assert "The archive is shut." in body["error"]["message"]
    assert len(made.calls()) == 1


@BOTH
@pytest.mark.parametrize("stream", [False, True])
async def test_error_of_json_rpc_is_tried_again_and_then_told(
    desk: Start, generation: str, stream: bool
) -> None:
    more = "\n    retry: {num_retries: 1, back_off: {base_interval: 1ms}}"

    async def breaks(said: Said) -> web.StreamResponse:
        error = {"code": -32603, "message": "Out of paper."}
        return web.json_response({"jsonrpc": "2.0", "id": said.body["id"], "error": error})

    made = await desk(breaks, generation, more)
    status, _, body = await made.ask("When?", stream=stream)
    assert status == 502
    assert "Out of paper." in body["error"]["message"]
    assert len(made.calls()) == 2


async def test_status_of_the_server_is_the_agents(desk: Start) -> None:
    left = [401, 429, 503]

    async def refuses(_: Said) -> web.StreamResponse:
        return web.Response(status=left[0], text="no")

    made = await desk(refuses, more="\n    retry: {num_retries: 0}")
    while left:
        status, _, body = await made.ask("When?")
        assert status == left.pop(0)
        assert body["error"]["message"]


async def test_stream_that_ends_without_an_answer_is_a_failure(desk: Start) -> None:
    async def stops(said: Said) -> web.StreamResponse:
        await said.event({"method": "notifications/message", "params": {}})
        return said.cut()

    made = await desk(stops, more="\n    retry: {num_retries: 0}")
    status, _, body = await made.ask("When?")
    assert status == 502
    assert "without an answer" in body["error"]["message"]


async def test_progress_is_told_to_who_asks_for_it(desk: Start) -> None:
    async def works(said: Said) -> web.StreamResponse:
        token = said.params["_meta"]["progressToken"]
        for at, words in enumerate(("Reading.", "Writing.")):
            params = {"progressToken": token, "progress": at, "message": words}
            await said.event({"method": "notifications/progress", "params": params})
        return await said.done(text("In 1825."))

    made = await desk(works)
    wish = {"x-outrider-progress": "events"}
    _, _, body = await made.ask("When?", headers=wish, stream=True)
    told = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    said = [one["outrider"] for one in told if "outrider" in one]
    assert [one["text"] for one in said if one["event"] == "progress"] == ["Reading.", "Writing."]
    assert streamed(body) == "In 1825."
    _, _, body = await made.ask("When?", stream=True)
    assert "Reading." not in body


async def test_request_of_a_server_is_refused_and_the_answer_comes(desk: Start) -> None:
    seen = []

    async def asks(said: Said) -> web.StreamResponse:
        seen.append(await said.ask("elicitation/create", {"message": "Who?"}))
        seen.append(await said.ask("ping", {}, "q2"))
        return await said.done(text("In 1825."))

    made = await desk(asks)
    _, _, body = await made.ask("When?")
    assert words(body) == "In 1825."
    assert seen[0]["error"]["code"] == -32601
    assert seen[1]["result"] == {}


@BOTH
async def test_client_that_leaves_takes_its_call_along(desk: Start, generation: str) -> None:
    running: list[Said] = []

    async def hangs(said: Said) -> web.StreamResponse:
        await said.event({"method": "notifications/message", "params": {}})
        running.append(said)
        await asyncio.Event().wait()
        raise AssertionError

    made = await desk(hangs, generation)
    url = made.planes.url("desk") + "/v1/chat/completions"
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "When?"}]}
    async with ClientSession() as session:
        asking = asyncio.ensure_future(session.post(url, json=body))
        await until(lambda: bool(running))
        asking.cancel()
    await asyncio.wait_for(running[0].left.wait(), 5)
    if generation == SESSIONS:
        await until(lambda: not made.server.sessions)
        (cancelled,) = [
            one["params"]
            for one in made.server.heard
            if one.get("method") == "notifications/cancelled"
        ]
        assert cancelled["requestId"] == running[0].body["id"]
    else:  # (closing the stream is what cancels there)
        assert "notifications/cancelled" not in made.server.methods()


@pytest.mark.parametrize(
    ("about", "tools", "why"),
    [
        ({}, ("ask", "tell"), "'ask', 'tell'; say which one it is with 'tool'"),
        ({}, (), "no tools"),
        (
            {
                "ask": {
                    "inputSchema": {
                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}}
                    }
                }
            },
            ("ask",),
            "write 'arguments'",
        ),
    ],
    ids=["several", "none", "unclear"],
)
async def test_tool_that_cannot_be_told_is_said_to_the_client(
    desk: Start, about: dict[str, Any], tools: tuple[str, ...], why: str
) -> None:
    made = await desk(says("-"), about=about, tools=dict.fromkeys(tools, says("-")))
    status, headers, body = await made.ask("When?")
    assert (status, headers["x-outrider-detail"]) == (502, "agent_failed")
    assert why in body["error"]["message"]
    assert "mCP" not in body["error"]["message"]


async def test_session_stays_with_its_endpoint(tmp_path: Path) -> None:
    async with (
        mcp_server("one", tools={"ask": says("one")}, about=ABOUT) as one,
        mcp_server("two", tools={"ask": says("two")}, about=ABOUT) as two,
    ):
        urls = f'\n    endpoints: ["{one.url}", "{two.url}"]'
        config = CONFIG.format(research="-", baker="http://127.0.0.1:1", more=urls)
        config = config.replace("    url: -\n", "")
        async with planes(config, tmp_path) as made:
            desk = Desk(made, one, None, "")  # type: ignore[arg-type]
            seen: set[str] = set()
            asked = 0
            while len(seen) < 2 and asked < 40:  # which of the two begins is chance
                seen.add(words((await desk.ask("When?"))[2]))
                asked += 1
            assert seen == {"one", "two"}


@BOTH
async def test_endpoint_that_is_gone_is_passed_over(tmp_path: Path, generation: str) -> None:
    one = McpFake("", "one", (generation,), {"ask": says("one")}, ABOUT)
    two = McpFake("", "two", (generation,), {"ask": says("two")}, ABOUT)
    async with AsyncExitStack() as stack:
        left = await stack.enter_async_context(AsyncExitStack())
        await left.enter_async_context(served(one))
        await stack.enter_async_context(served(two))
        urls = f'\n    endpoints: ["{one.url}", "{two.url}"]'
        config = CONFIG.format(research="-", baker="http://127.0.0.1:1", more=urls)
        made = await stack.enter_async_context(planes(config.replace("    url: -\n", ""), tmp_path))
        desk = Desk(made, one, None, "")  # type: ignore[arg-type]
        await desk.ask("When?")
        await left.aclose()
        answers = [await desk.ask("When?") for _ in range(4)]
        assert [words(body) for _, _, body in answers] == ["two"] * 4


async def test_others_stand_in_for_a_tool_that_fails(tmp_path: Path) -> None:
    async def fails(said: Said) -> web.StreamResponse:
        return await said.done({**text("Shut."), "isError": True})

    async with (
        mcp_server("one", tools={"ask": fails}, about=ABOUT) as one,
        service(answers("Fresh rolls.")) as baker,
    ):
        config = CONFIG.format(research=one.url, baker=baker.url, more="")
        config = config.replace(
            "[{id: research}]",
            "[{id: research, default: true, on_failure: [baker]},"
            " {id: baker, description: Bakes bread.}]",
        )
        async with planes(config, tmp_path) as made:
            desk = Desk(made, one, baker, "")
            status, headers, body = await desk.ask("When was the first train?")
            assert (status, words(body)) == (200, "Fresh rolls.")
            assert "research" in headers["x-outrider-steps"]


async def test_each_version_is_its_own_tool(tmp_path: Path) -> None:
    other = {"ask": {"inputSchema": {"properties": {"q": {"type": "string"}}}}}
    async with (
        mcp_server("one", tools={"ask": says("one")}, about=ABOUT) as one,
        mcp_server("two", tools={"ask": says("two")}, about=other, generations=(STATELESS,)) as two,
    ):
        more = f"""
    versions: [{{name: v1, url: "{one.url}", weight: 0}}, {{name: v2, url: "{two.url}"}}]"""
        config = CONFIG.format(research="-", baker="http://127.0.0.1:1", more=more)
        async with planes(config.replace("    url: -\n", ""), tmp_path) as made:
            desk = Desk(made, two, None, "")  # type: ignore[arg-type]
            assert words((await desk.ask("When?"))[2]) == "two"
            assert desk.calls()[0]["arguments"] == {"q": "When?"}


async def test_server_of_another_generation_is_learnt(tmp_path: Path) -> None:
    fake = McpFake(tools={"ask": says("In 1825.")}, about=ABOUT, generations=(STATELESS,))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(served(fake))
        config = CONFIG.format(research=fake.url, baker="http://127.0.0.1:1", more="")
        made = await stack.enter_async_context(planes(config, tmp_path))
        desk = Desk(made, fake, None, "")  # type: ignore[arg-type]
        assert words((await desk.ask("When?"))[2]) == "In 1825."
        fake.generations = (SESSIONS,)

        async def answered() -> int:
            status, _, _ = await desk.ask("When?")
            return status

        async with asyncio.timeout(10):
            while await answered() != 200:  # noqa: ASYNC110 - each look is a request
                await asyncio.sleep(0.05)
