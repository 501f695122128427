"""A2A agents behind a listener, asked by clients that know only chat."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from dataplane.server import following
from dataplane.server.auth import key_set
from tests.support.a2a_agent import (
    CUT,
    HANG,
    Agent,
    Script,
    a2a_agent,
    artifact,
    status,
    task,
)
from tests.support.agents import says, service
from tests.support.issuer import SigningKey, issuer, jwks
from tests.support.planes import Planes, planes
from tests.support.signed_cards import signed_as_it_is
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: locksmith
    url: {locksmith}
    protocol: a2a
  - id: baker
    url: {baker}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - id: locksmith
  - type: agent
    name: town
    address: 127.0.0.1
    port: 0
    agents:
      - id: baker
        description: Bakes bread, cakes and rolls, and says when the bakery is open.
      - id: locksmith
"""
DONE: Script = lambda _: [  # noqa: E731
    task("SUBMITTED"),
    status("WORKING"),
    artifact("Under "),
    artifact("the mat."),
    status("COMPLETED"),
]


class Desk:
    """The planes and an agent."""

    def __init__(self, made: Planes, agent: Agent) -> None:
        self.planes = made
        self.agent = agent

    def config(self, more: str = "") -> str:
        """Of these planes, with more keys of the agent."""
        protocol = "    protocol: a2a\n"
        config = CONFIG.format(locksmith=self.agent.url, baker="http://127.0.0.1:1")
        return config.replace(protocol, protocol + more)

    async def ask(
        self, *said: str, listener: str = "desk", **more: Any
    ) -> tuple[int, dict[str, str], Any]:
        """A conversation of user and assistant in turn; status, headers and body of the answer."""
        messages = [
            {"role": "assistant" if at % 2 else "user", "content": one}
            for at, one in enumerate(said)
        ]
        url = self.planes.url(listener) + "/v1/chat/completions"
        headers = {"authorization": "Bearer secret", "x-own": "y", "x-outrider-run": "forged"}
        async with (
            ClientSession(headers=headers) as session,
            session.post(url, json={"model": "m", "messages": messages} | more) as answer,
        ):
            told = {name.lower(): value for name, value in answer.headers.items()}
            is_json = answer.content_type == "application/json"
            return answer.status, told, await (answer.json() if is_json else answer.text())


Start = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(script: Script, prefix: str = "") -> Desk:
            agent = await stack.enter_async_context(a2a_agent(script, prefix))
            baker = await stack.enter_async_context(service(says("Fresh rolls.")))
            config = CONFIG.format(locksmith=agent.url, baker=baker.url)
            made = Desk(await stack.enter_async_context(planes(config, tmp_path)), agent)
            # Before its card is here an agent is chosen by its id alone.
            await until(lambda: described_of(made) == {("locksmith",): 1.0})
            return made

        yield start


def words(answer: Any) -> str:
    said: str = answer["choices"][0]["message"]["content"]
    return said


@pytest.mark.parametrize("prefix", ["", "/agents/locksmith"])
async def test_task_is_an_answer_streamed_and_not(desk: Start, prefix: str) -> None:
    made = await desk(DONE, prefix)
    status_, headers, body = await made.ask("Where is the key?")
    assert (status_, words(body)) == (200, "Under the mat.")
    assert headers["x-outrider-agents"] == "locksmith"
    _, _, stream = await made.ask("Where is the key?", stream=True)
    assert '"content":"Under "' in stream
    assert stream.endswith("data: [DONE]\n\n")
    assert [method for method, _ in made.agent.calls] == ["SendMessage", "SendStreamingMessage"]
    # the address is the operator's whatever the card says; only the path is the card's
    assert set(made.agent.paths) == {prefix + "/rpc"}


async def test_agent_gets_no_credential_of_the_client_and_no_header_of_ours(desk: Start) -> None:
    made = await desk(DONE)
    await made.ask("Where is the key?")
    (seen,) = made.agent.headers
    assert seen["x-own"] == "y"
    assert seen["a2a-version"] == "1.0"
    assert "authorization" not in seen
    assert seen.get("x-outrider-run") != "forged"


async def test_agents_own_card_is_its_description(desk: Start) -> None:
    made = await desk(DONE)

    async def chosen() -> str:
        _, headers, _ = await made.ask("Where is the key of the cellar?", listener="town")
        return headers["x-outrider-agents"]

    async with asyncio.timeout(10):
        while await chosen() != "locksmith":  # noqa: ASYNC110 - each look is a request
            await asyncio.sleep(0.05)


async def test_conversation_goes_on_in_the_agents_own_context(desk: Start) -> None:
    made = await desk(DONE)
    _, _, first = await made.ask("Where is the key?")
    await made.ask("Where is the key?", words(first), "And the spare one?")
    message = made.agent.calls[1][1]["message"]
    assert message["contextId"] == "c-1"
    assert message["parts"] == [{"text": "And the spare one?"}]


async def test_task_that_asks_back_goes_on_with_the_answer(desk: Start) -> None:
    made = await desk(lambda _: [task("WORKING"), status("INPUT_REQUIRED", "Which door?")])
    _, _, first = await made.ask("Open it.", stream=True)
    assert "Which door?" in first
    await made.ask("Open it.", "Which door?", "The left one.", stream=True)
    message = made.agent.calls[1][1]["message"]
    assert (message["taskId"], message["contextId"]) == ("t-1", "c-1")


ASKS: Script = lambda params: [  # noqa: E731
    status("INPUT_REQUIRED", "Which door?")
    if "taskId" not in params["message"]
    else task("COMPLETED", "Open.")
]
"""Asks once."""


@pytest.mark.parametrize("stream", [False, True])
async def test_answer_says_that_it_is_a_question_and_whose(desk: Start, stream: bool) -> None:
    made = await desk(ASKS)
    status_, headers, body = await made.ask("Open it.", stream=stream)
    assert (status_, headers["x-outrider-asks"]) == (200, "locksmith")
    if not stream:
        assert words(body) == "Which door?"
        assert body["choices"][0]["finish_reason"] == "stop"
    _, headers, body = await made.ask("Open it.", "Which door?", "The left one.")
    assert words(body) == "Open."
    assert "x-outrider-asks" not in headers


async def test_who_has_asked_is_answered_whatever_the_words_are_about(desk: Start) -> None:
    made = await desk(ASKS)
    asked = "Please open the locked door of my cellar."
    _, headers, _ = await made.ask(asked, listener="town")
    assert headers["x-outrider-asks"] == headers["x-outrider-agents"] == "locksmith"
    talk = (asked, "Which door?", "That of the bakery, with the bread, cakes and rolls.")
    _, headers, body = await made.ask(*talk, listener="town")
    assert (words(body), headers["x-outrider-agents"]) == ("Open.", "locksmith")
    assert headers["x-outrider-reason"] == "locksmith has asked for this"
    _, headers, _ = await made.ask(*talk, "Open.", "When is the bakery open?", listener="town")
    assert headers["x-outrider-agents"] == "baker"


def in_steps(made: Desk, baker: str, steps: str) -> str:
    config = CONFIG.format(locksmith=made.agent.url, baker=baker)
    return config + f"    plan: {{steps: [{steps}]}}\n"


async def test_sequence_stops_at_a_question_and_goes_on_with_the_answer(desk: Start) -> None:
    made = await desk(ASKS)
    async with service(says("Fresh rolls.")) as baker:
        await made.planes.apply(in_steps(made, baker.url, "locksmith, baker"))
        _, headers, body = await made.ask("Open it, and bake.", listener="town")
        assert (words(body), headers["x-outrider-asks"]) == ("Which door?", "locksmith")
        assert headers["x-outrider-stopped"] == "input"
        assert headers["x-outrider-steps"] == "locksmith;ok;asks"
        assert baker.received == []
        talk = ("Open it, and bake.", "Which door?", "The left one.")
        _, headers, body = await made.ask(*talk, listener="town")
        assert words(body) == "Fresh rolls."
        assert headers["x-outrider-agents"] == "locksmith,baker"
        heard = [one["content"] for one in baker.received[0].body["messages"]]
        assert heard == ["Open it, and bake.", "Which door?", "Open.", "The left one."]


async def test_question_among_several_answers_is_its_agents_to_be_answered(desk: Start) -> None:
    """What the client has is more than what the agent said, which knows only its own words."""
    made = await desk(ASKS)
    async with service(says("Fresh rolls.")) as baker:
        steps = "{parallel: [baker, locksmith]}, baker"
        await made.planes.apply(in_steps(made, baker.url, steps))
        _, headers, body = await made.ask("Open it, and bake.", listener="town")
        said = "Fresh rolls.\n\nWhich door?"
        assert (words(body), headers["x-outrider-stopped"]) == (said, "input")
        await made.ask("Open it, and bake.", said, "The left one.", listener="town")
        message = made.agent.calls[1][1]["message"]
        assert (message["taskId"], message["contextId"]) == ("t-1", "c-1")
        assert message["parts"] == [{"text": "The left one."}]
        assert len(baker.received) == 2


async def test_question_whose_answer_fails_is_not_asked_for_ever(desk: Start) -> None:
    made = await desk(ASKS)
    asked = "Please open the locked door of my cellar."
    await made.ask(asked, listener="town")
    made.agent.script = lambda _: [task("FAILED")]
    talk = (asked, "Which door?", "When is the bakery open, for bread and rolls?")
    assert (await made.ask(*talk, listener="town"))[0] == 424
    _, headers, _ = await made.ask(*talk, listener="town")
    assert headers["x-outrider-agents"] == "baker"


async def test_task_that_is_not_done_is_waited_for(desk: Start) -> None:
    made = await desk(lambda _: [task("WORKING")])
    made.agent.tasks = [task("WORKING"), task("COMPLETED", "Under the mat.")]
    _, _, body = await made.ask("Where is the key?")
    assert words(body) == "Under the mat."


async def test_stream_that_breaks_off_is_not_the_end_of_its_task(desk: Start) -> None:
    made = await desk(lambda _: [task("WORKING"), artifact("Under "), CUT])
    made.agent.tasks = [task("COMPLETED", "Under the mat.")]
    _, _, body = await made.ask("Where is the key?", stream=True)
    assert '"content":"Under "' in body
    assert '"content":"the mat."' in body
    assert body.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("state", "code"), [("FAILED", 424), ("REJECTED", 422)])
async def test_task_that_came_to_nothing_is_an_error(
    desk: Start, state: str, code: int, stream: bool
) -> None:
    whole = task(state)
    whole["task"]["status"]["message"] = {"parts": [{"text": "No key fits."}]}
    made = await desk(lambda _: [task("WORKING"), whole])
    status_, _, body = await made.ask("Open it.", stream=stream)
    assert status_ == code
    assert "No key fits." in body["error"]["message"]
    assert len(made.agent.calls) == 1  # what was done and failed is not done again


async def test_client_that_leaves_takes_its_task_along(desk: Start) -> None:
    made = await desk(lambda _: [task("WORKING"), artifact("Under "), HANG])
    url = made.planes.url("desk") + "/v1/chat/completions"
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Where?"}]}
    async with ClientSession() as session:
        answer = await session.post(url, json=body)
        await answer.content.readany()
        answer.close()
    async with asyncio.timeout(5):
        await made.agent.cancelled.wait()
    assert made.agent.calls[-1] == ("CancelTask", {"id": "t-1"})


async def test_agent_without_a_card_says_why(desk: Start) -> None:
    made = await desk(DONE)
    made.agent.has_card = False
    await made.planes.apply(
        CONFIG.format(locksmith=made.agent.url + "/other", baker="http://127.0.0.1:1")
    )
    status_, headers, body = await made.ask("Where is the key?")
    assert (status_, headers["x-outrider-detail"]) == (502, "agent_failed")
    assert headers["x-outrider-steps"] == "locksmith;failed=agent_failed"
    assert "Agent 'locksmith' did not answer: its card" in body["error"]["message"]


async def test_agent_that_has_not_said_what_it_is_is_told_of(
    desk: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.05)
    made = await desk(DONE)
    made.agent.has_card = False
    await made.planes.apply(made.config().replace("id: locksmith", "id: smith"))
    asked = ("When is the bakery open, for bread and rolls?",)
    await until(lambda: "agent smith has not said what it is" in caplog.text)
    assert caplog.text.count("agent smith has not said") == 1
    _, headers, _ = await made.ask(*asked, listener="town")
    assert headers["x-outrider-reason"].endswith("; smith has not said what for")
    assert described_of(made) == {("smith",): 0.0}
    made.agent.has_card = True
    await until(lambda: described_of(made) == {("smith",): 1.0})
    async with asyncio.timeout(10):
        while "has not said" in headers["x-outrider-reason"]:
            _, headers, _ = await made.ask(*asked, listener="town")


async def test_description_of_the_operator_stands_for_a_card_that_never_came(
    desk: Start, caplog: pytest.LogCaptureFixture
) -> None:
    made = await desk(DONE)
    made.agent.has_card = False
    words_ = "description: Opens locked doors and finds keys of cellars."
    config = made.config().replace(
        "      - id: locksmith\n", f"      - id: locksmith\n        {words_}\n"
    )
    await made.planes.apply(config.replace("id: locksmith", "id: smith"))
    asked = "Please open the locked door of my cellar."
    _, headers, _ = await made.ask(asked, listener="town")
    assert headers["x-outrider-steps"].startswith("smith;failed")
    assert "has not said" not in headers["x-outrider-reason"]
    assert "agent smith has not said" not in caplog.text


def described_of(made: Desk) -> dict[tuple[str, ...], Any]:
    families = made.planes.workers[0].families()
    return next(dict(one.samples) for one in families if one.name == "outrider_agents_described")


async def test_answer_that_is_none_is_an_error(desk: Start) -> None:
    made = await desk(lambda _: [{"hello": "world"}])
    status_, _, body = await made.ask("Where is the key?")
    assert status_ == 502
    assert "neither a task nor a message" in body["error"]["message"]


async def test_card_that_is_none_says_why(desk: Start) -> None:
    made = await desk(DONE)
    made.agent.card = []  # type: ignore[assignment]
    await made.planes.apply(made.config().replace("id: locksmith", "id: smith"))
    code, _, body = await made.ask("x")
    assert code == 502
    assert "not a JSON object" in body["error"]["message"]


async def test_agent_is_asked_only_if_its_card_is_signed_where_it_must_be(desk: Start) -> None:
    made = await desk(DONE)
    ours, theirs = SigningKey(kid="k1"), SigningKey(kid="k1")
    async with issuer(ours) as keys:
        made.agent.card = signed_as_it_is(made.agent.card, theirs)
        await made.planes.apply(made.config(f"    card_keys: {{jwks_uri: {keys.url}}}\n"))
        code, _, body = await made.ask("x")
        assert code == 502
        assert "signed with none of its keys" in body["error"]["message"]
        assert made.agent.calls == []
        made.agent.card.pop("signatures")
        made.agent.card = signed_as_it_is(made.agent.card, ours)
        await made.planes.apply(made.config(f"    card_keys: {{jwks: '{jwks(ours)}'}}\n"))
        code, _, body = await made.ask("x")
        assert (code, words(body)) == (200, "Under the mat.")


async def test_new_key_of_an_agent_is_fetched_when_its_card_names_it(
    desk: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RETRY_S", 0.05)
    monkeypatch.setattr(key_set, "MIN_REFRESH_S", 0.0)
    made = await desk(DONE)
    before, after = SigningKey(kid="k1"), SigningKey(kid="k2")
    async with issuer(before) as keys:
        made.agent.card = signed_as_it_is(made.agent.card, after)
        await made.planes.apply(made.config(f"    card_keys: {{jwks_uri: {keys.url}}}\n"))
        code, _, body = await made.ask("x")
        assert (code, "'k2'" in body["error"]["message"]) == (502, True)
        keys.keys.append(after)
        async with asyncio.timeout(10):
            while (await made.ask("x"))[0] != 200:  # noqa: ASYNC110 - each look is a request
                await asyncio.sleep(0.02)


async def test_card_that_has_not_changed_is_not_sent_again(
    desk: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REFRESH_S", 0.02)
    made = await desk(DONE)
    made.agent.etag = '"one"'
    named = [None, '"one"', '"one"']
    asked = made.agent.card_headers
    await until(lambda: [one.get("if-none-match") for one in asked][-3:][1:] == named[1:])
    status_, _, body = await made.ask("Where is the key?")
    assert (status_, words(body)) == (200, "Under the mat.")
    made.agent.card = made.agent.card | {"description": "Bakes cakes."}
    made.agent.etag = '"two"'
    await until(lambda: asked[-1].get("if-none-match") == '"two"')


async def test_change_of_the_config_keeps_the_card(desk: Start) -> None:
    made = await desk(DONE)
    await made.ask("Where is the key?")
    made.agent.has_card = False
    baker = "http://127.0.0.1:1"
    await made.planes.apply(CONFIG.format(locksmith=made.agent.url, baker=baker))
    status_, _, _ = await made.ask("Where is the key?")
    assert status_ == 200
    await until(lambda: len(made.agent.calls) == 2)
