"""A client of A2A whom an agent asks something: its task waits, and goes on with the answer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from dataplane.agents.a2a.telling import Folded
from dataplane.agents.a2a.values import words
from tests.support.a2a_agent import CUT, Agent, Script, a2a_agent, artifact, status, task
from tests.support.agents import Answering, Service, replies, says, service
from tests.support.planes import Planes, planes

CONFIG = """\
version: v0.4.0
agents:
  - {{id: locksmith, url: "{locksmith}", protocol: a2a}}
  - {{id: baker, url: "{baker}"}}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - {{id: locksmith, description: "Finds keys of cellars, and opens locked doors."}}
      - {{id: baker, description: "Bakes bread, cakes and rolls, says when the bakery is open."}}
    {more}
"""
STEPS = "plan: {{steps: [{}]}}"
Json = dict[str, Any]
ASKS: Script = lambda params: [  # noqa: E731
    status("INPUT_REQUIRED", "Which door?")
    if "taskId" not in params["message"]
    else task("COMPLETED", "Open.")
]
"""Asks once."""
BAKES = says("Fresh rolls.")
METHODS = pytest.mark.parametrize("method", ["SendMessage", "SendStreamingMessage"])


class Desk:
    """A listener with two agents, and a client of it."""

    def __init__(
        self, made: Planes, locksmith: Agent, baker: Service, session: ClientSession
    ) -> None:
        self.planes = made
        self.locksmith = locksmith
        self.baker = baker
        self._session = session

    async def rpc(self, method: str, params: object) -> Json:
        """What JSON-RPC answers; of a stream, what its events amount to."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        url = self.planes.url("desk") + "/a2a"
        async with self._session.post(url, json=body) as answer:
            told = await answer.text()
            if answer.content_type == "application/json":
                made: Json = json.loads(told)
                return made
        fold = Folded()
        for one in told.split("\n\n"):
            if one:
                fold.feed(json.loads(one[6:])["result"])
        return {"result": fold.result()}

    async def say(self, said: str, method: str = "SendMessage", **ids: str) -> Json:
        """The task that a message leads to."""
        message = {"messageId": said, "role": "ROLE_USER", "parts": [{"text": said}]} | ids
        made = await self.rpc(method, {"message": message})
        assert "result" in made, made
        found: Json = made["result"]["task"]
        return found

    def asked(self, at: int) -> Json:
        """A message that the locksmith got."""
        message: Json = self.locksmith.calls[at][1]["message"]
        return message


Start = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(more: str, script: Script = ASKS, baker: Answering = BAKES) -> Desk:
            locksmith = await stack.enter_async_context(a2a_agent(script))
            bakery = await stack.enter_async_context(service(baker))
            config = CONFIG.format(locksmith=locksmith.url, baker=bakery.url, more=more)
            made = await stack.enter_async_context(planes(config, tmp_path))
            headers = {"authorization": "Bearer alice"}
            session = await stack.enter_async_context(ClientSession(headers=headers))
            return Desk(made, locksmith, bakery, session)

        yield start


def state(made: Json) -> str:
    told: str = made["status"]["state"].removeprefix("TASK_STATE_")
    return told


def question(made: Json) -> str:
    return words(made["status"]["message"]["parts"])


def answer(made: Json) -> list[str]:
    return [words(one["parts"]) for one in made.get("artifacts", [])]


def ids(made: Json) -> dict[str, str]:
    return {"taskId": made["id"], "contextId": made["contextId"]}


@METHODS
async def test_sequence_waits_for_the_client_and_goes_on_in_the_same_task(
    desk: Start, method: str
) -> None:
    made = await desk(STEPS.format("locksmith, baker"))
    first = await made.say("Open it, and bake.", method)
    assert (state(first), question(first)) == ("INPUT_REQUIRED", "Which door?")
    assert answer(first) == []
    assert made.baker.received == []
    second = await made.say("The left one.", method, **ids(first))
    assert ids(second) == ids(first)
    assert (state(second), answer(second)) == ("COMPLETED", ["Fresh rolls."])
    assert [words(one["parts"]) for one in second["history"]] == [
        "Open it, and bake.",
        "Which door?",
        "The left one.",
    ]
    message = made.asked(1)
    assert (message["taskId"], message["contextId"]) == ("t-1", "c-1")
    assert message["parts"] == [{"text": "The left one."}]
    heard = [one["content"] for one in made.baker.received[0].body["messages"]]
    assert heard == ["Open it, and bake.", "Which door?", "Open.", "The left one."]
    assert (await made.rpc("GetTask", {"id": first["id"]}))["result"] == second


async def test_client_of_the_older_version_is_asked_too(desk: Start) -> None:
    made = await desk(STEPS.format("locksmith, baker"))
    message = {"kind": "message", "messageId": "1", "role": "user"}
    said = message | {"parts": [{"kind": "text", "text": "Open it, and bake."}]}
    first = (await made.rpc("message/send", {"message": said}))["result"]
    assert first["status"]["state"] == "input-required"
    assert first["status"]["message"]["parts"] == [{"kind": "text", "text": "Which door?"}]
    said = message | {"parts": [{"kind": "text", "text": "The left one."}], "taskId": first["id"]}
    second = (await made.rpc("message/send", {"message": said}))["result"]
    assert (second["id"], second["contextId"]) == (first["id"], first["contextId"])
    assert second["status"]["state"] == "completed"


async def test_task_says_by_itself_in_which_context_it_is(desk: Start) -> None:
    made = await desk(STEPS.format("locksmith, baker"))
    first = await made.say("Open it, and bake.")
    second = await made.say("The left one.", taskId=first["id"])
    assert (ids(second), state(second)) == (ids(first), "COMPLETED")


async def test_task_of_another_context_is_refused(desk: Start) -> None:
    made = await desk(STEPS.format("locksmith, baker"))
    first = await made.say("Open it, and bake.")
    message = {"messageId": "2", "role": "ROLE_USER", "parts": [{"text": "The left one."}]}
    message |= {"taskId": first["id"], "contextId": "another"}
    refused = await made.rpc("SendMessage", {"message": message})
    assert refused["error"]["code"] == -32602
    assert len(made.locksmith.calls) == 1


async def test_who_has_asked_is_answered_whatever_the_words_are_about(desk: Start) -> None:
    """The agent's own task is the client's there."""
    made = await desk("")
    first = await made.say("Please open the locked door of my cellar.")
    assert (state(first), first["id"]) == ("INPUT_REQUIRED", "t-1")
    reply = "That of the bakery, with the bread, cakes and rolls."
    second = await made.say(reply, **ids(first))
    assert (state(second), answer(second)) == ("COMPLETED", ["Open."])
    assert made.baker.received == []


async def test_another_message_of_the_context_is_no_answer(desk: Start) -> None:
    made = await desk("")
    first = await made.say("Please open the locked door of my cellar.")
    asked = "When is the bakery open, for bread and rolls?"
    other = await made.say(asked, contextId=first["contextId"])
    assert other["id"] != first["id"]
    assert (state(other), answer(other)) == ("COMPLETED", ["Fresh rolls."])
    second = await made.say("The one with the bread.", **ids(first))
    assert (state(second), answer(second)) == ("COMPLETED", ["Open."])


@METHODS
async def test_question_among_several_answers_is_its_agents_to_be_answered(
    desk: Start, method: str
) -> None:
    made = await desk(STEPS.format("{parallel: [baker, locksmith]}"))
    first = await made.say("Open it, and bake.", method)
    assert (state(first), question(first)) == ("INPUT_REQUIRED", "Fresh rolls.\n\nWhich door?")
    second = await made.say("The left one.", method, **ids(first))
    assert (ids(second), state(second)) == (ids(first), "COMPLETED")
    assert answer(second)[-1] == "Open."
    message = made.asked(1)
    assert (message["taskId"], message["parts"]) == ("t-1", [{"text": "The left one."}])


@METHODS
async def test_agent_that_speaks_a2a_goes_on_in_our_task(desk: Start, method: str) -> None:
    """What it says in its own task is told as of the one that the client knows."""
    asked = iter(["Which door?", "", "And for whom?", ""])

    def script(params: Json) -> list[Json | str]:
        again = next(asked)
        return [status("INPUT_REQUIRED", again)] if again else [artifact("Op"), task("COMPLETED")]

    made = await desk(STEPS.format("locksmith, locksmith"), script)
    first = await made.say("Open it.", method)
    second = await made.say("The left one.", method, **ids(first))
    assert (ids(second), question(second)) == (ids(first), "And for whom?")
    assert (state(second), answer(second)) == ("INPUT_REQUIRED", [])
    third = await made.say("Me.", method, **ids(first))
    assert (ids(third), state(third)) == (ids(first), "COMPLETED")
    assert answer(third) == ["Op"]


@METHODS
async def test_stream_that_breaks_off_is_a_task_that_failed(desk: Start, method: str) -> None:
    said = iter([[status("INPUT_REQUIRED", "Which door?")], [task("COMPLETED", "Open.")], [CUT]])
    made = await desk(STEPS.format("locksmith, locksmith"), lambda _: next(said))
    first = await made.say("Open it.", method)
    second = await made.say("The left one.", method, **ids(first))
    assert (ids(second), state(second)) == (ids(first), "FAILED")


async def test_task_that_waits_is_cancelled_with_its_agents(desk: Start) -> None:
    made = await desk(STEPS.format("locksmith, baker"))
    first = await made.say("Open it, and bake.")
    cancelled = (await made.rpc("CancelTask", {"id": first["id"]}))["result"]
    assert (state(cancelled), cancelled["id"]) == ("CANCELED", first["id"])
    assert made.locksmith.cancelled.is_set()
    assert made.locksmith.calls[-1] == ("CancelTask", {"id": "t-1"})
    message = {"messageId": "2", "role": "ROLE_USER", "parts": [{"text": "The left one."}]}
    refused = await made.rpc("SendMessage", {"message": message | ids(first)})
    assert refused["error"]["code"] == -32004


BOTH_TASKS = pytest.mark.parametrize(
    "more", ["", STEPS.format("locksmith, baker")], ids=["theirs", "ours"]
)


class Versions:
    """An agent of two versions, of which one gets all new conversations."""

    def __init__(self, old: Agent, new: Agent, made: Planes, desk: Desk, more: str) -> None:
        self.old = old
        self.new = new
        self.desk = desk
        self._made = made
        self._more = more

    @staticmethod
    def config(old: Agent, new: Agent, baker: Service, more: str, weights: str) -> str:
        first, second = weights.split(":")
        versions = f"{{name: v1, url: '{old.url}', weight: {first}}}, "
        versions += f"{{name: v2, url: '{new.url}', weight: {second}}}"
        made = CONFIG.format(locksmith="-", baker=baker.url, more=more)
        return made.replace('url: "-"', f"versions: [{versions}]")

    async def weighed(self, weights: str) -> None:
        """Other weights from now on."""
        baker = self.desk.baker
        await self._made.apply(self.config(self.old, self.new, baker, self._more, weights))


@asynccontextmanager
async def two_versions(
    folder: Path, more: str, *, new_has_card: bool = True
) -> AsyncIterator[Versions]:
    """The old one has all conversations."""
    async with (
        a2a_agent(ASKS) as old,
        a2a_agent(ASKS) as new,
        service(BAKES) as baker,
        ClientSession(headers={"authorization": "Bearer alice"}) as session,
    ):
        new.has_card = new_has_card
        config = Versions.config(old, new, baker, more, "1:0")
        async with planes(config, folder) as made:
            yield Versions(old, new, made, Desk(made, old, baker, session), more)


async def cancelled_after_other_weights(versions: Versions) -> tuple[str, bool, bool]:
    """How a task of the old version is in the end, and which versions were told."""
    first = await versions.desk.say("Please open the locked door of my cellar.")
    assert state(first) == "INPUT_REQUIRED"
    await versions.weighed("0:1")
    told = await versions.desk.rpc("CancelTask", {"id": first["id"]})
    assert "result" in told, told
    return state(told["result"]), versions.old.cancelled.is_set(), versions.new.cancelled.is_set()


@BOTH_TASKS
async def test_task_is_cancelled_at_the_version_that_has_it(tmp_path: Path, more: str) -> None:
    """Whichever version new conversations get by now."""
    async with two_versions(tmp_path, more) as versions:
        assert await cancelled_after_other_weights(versions) == ("CANCELED", True, False)


@BOTH_TASKS
async def test_task_is_cancelled_whatever_is_known_of_other_versions(
    tmp_path: Path, more: str
) -> None:
    async with two_versions(tmp_path, more, new_has_card=False) as versions:
        assert await cancelled_after_other_weights(versions) == ("CANCELED", True, False)


async def test_other_weights_change_nothing_of_what_is_known(tmp_path: Path) -> None:
    async with two_versions(tmp_path, "") as versions:
        first = await versions.desk.say("Please open the locked door of my cellar.")
        versions.old.has_card = False
        await versions.weighed("0:1")
        second = await versions.desk.say("The left one.", **ids(first))
        assert (state(second), answer(second)) == ("COMPLETED", ["Open."])


@METHODS
async def test_run_that_fails_after_the_answer_is_a_task_that_failed(
    desk: Start, method: str
) -> None:
    made = await desk(STEPS.format("locksmith, baker"), baker=replies(400, {"error": "No flour."}))
    first = await made.say("Open it, and bake.")
    second = await made.say("The left one.", method, **ids(first))
    assert (ids(second), state(second)) == (ids(first), "FAILED")
    assert question(second) == "No flour."
    got = (await made.rpc("GetTask", {"id": first["id"]}))["result"]
    assert state(got) == "FAILED"


async def test_answer_that_no_agent_was_asked_with_leaves_the_task_waiting(desk: Start) -> None:
    made = await desk(
        STEPS.format("locksmith, baker") + "\nlimits: [{name: l, requests: {limit: 1}}]"
    )
    first = await made.say("Open it, and bake.")
    message = {"messageId": "2", "role": "ROLE_USER", "parts": [{"text": "The left one."}]}
    refused = await made.rpc("SendMessage", {"message": message | ids(first)})
    assert "error" in refused
    got = (await made.rpc("GetTask", {"id": first["id"]}))["result"]
    assert state(got) == "INPUT_REQUIRED"


async def test_output_filters_see_the_question(desk: Start) -> None:
    more = STEPS.format("locksmith, baker") + "\n    output_filters: [words]\nfilters:\n"
    more += "  - id: words\n    type: patterns\n"
    more += "    config: {deny: [{name: place, pattern: door}], answers: redact}"
    made = await desk(more)
    first = await made.say("Open it, and bake.", "SendStreamingMessage")
    assert (state(first), question(first)) == ("INPUT_REQUIRED", "Which [REDACTED]?")
