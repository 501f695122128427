"""An agent listener as an A2A agent, whatever its agents speak."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from a2a.client.card_resolver import parse_agent_card
from a2a.utils.signing import create_signature_verifier
from aiohttp import ClientSession, web
from jwt import PyJWK

from dataplane.agents.a2a.values import mapping
from tests.support.a2a_agent import HANG, a2a_agent, artifact, status, task
from tests.support.agents import (
    Answering,
    Received,
    Service,
    completion,
    events,
    never,
    replies,
    says,
    service,
    starts_and_hangs,
)
from tests.support.issuer import SigningKey
from tests.support.planes import Planes, planes
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: helper
    url: {url}
    protocol: {protocol}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - id: helper
        description: Helps with keys.
"""
Json = dict[str, Any]
NEW = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "Where is the key?"}]}
OLD = {
    "kind": "message",
    "messageId": "m",
    "role": "user",
    "parts": [{"kind": "text", "text": "Where is the key?"}],
}


class Desk:
    """A listener, and the agent behind it."""

    def __init__(self, made: Planes, session: ClientSession) -> None:
        self.planes = made
        self.url = made.url("desk")
        self._session = session

    async def post(
        self, path: str, body: object, token: str = "alice"
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of an answer."""
        headers = {"authorization": f"Bearer {token}"}
        async with self._session.post(self.url + path, json=body, headers=headers) as answer:
            told = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, told, await answer.text()

    async def rpc(self, method: str, params: object, token: str = "alice") -> Json:
        """What JSON-RPC answers."""
        _, _, told = await self.post("/a2a", rpc(method, params), token)
        answer: Json = json.loads(told)
        return answer

    async def stream(self, method: str, params: object) -> list[Json]:
        """The events of a stream."""
        body = rpc(method, params)
        code, headers, told = await self.post("/a2a", body)
        assert (code, headers["content-type"]) == (200, "text/event-stream")
        return [json.loads(one[6:])["result"] for one in told.split("\n\n") if one]

    async def begun(self, method: str, params: object) -> tuple[aiohttp.ClientResponse, Json]:
        """A stream whose first event has come, which is a task."""
        body = rpc(method, params)
        headers = {"authorization": "Bearer alice"}
        answer = await self._session.post(self.url + "/a2a", json=body, headers=headers)
        line = await answer.content.readline()
        return answer, json.loads(line[6:])["result"]["task"]

    async def card(self) -> Json:
        """The listener's own."""
        async with self._session.get(self.url + "/.well-known/agent-card.json") as answer:
            card: Json = await answer.json()
            return card


Start = Callable[..., Awaitable[tuple[Desk, Service]]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(answer: Answering) -> tuple[Desk, Service]:
            agent = await stack.enter_async_context(service(answer))
            config = CONFIG.format(url=agent.url, protocol="chat")
            made = await stack.enter_async_context(planes(config, tmp_path))
            session = await stack.enter_async_context(ClientSession())
            return Desk(made, session), agent

        yield start


def rpc(method: str, params: object) -> Json:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def state(made: Json) -> str:
    told: str = made["status"]["state"]
    return told


async def test_card_says_where_we_are_and_what_the_agents_do(desk: Start) -> None:
    made, _ = await desk(says("never"))
    card = await made.card()
    assert {one["url"] for one in card["supportedInterfaces"]} == {made.url + "/a2a"}
    assert card["skills"][0]["description"] == "Helps with keys."


async def test_card_says_what_the_operator_says_others_call_us_by(desk: Start) -> None:
    made, agent = await desk(says("Under the mat."))
    config = CONFIG.format(url=agent.url, protocol="chat")
    await made.planes.apply(config + "    public_url: https://agents.example.com/desk/\n")
    card = await made.card()
    assert card["url"] == "https://agents.example.com/desk/a2a"
    assert {one["url"] for one in card["supportedInterfaces"]} == {card["url"]}


async def test_card_is_signed_with_the_operators_key(desk: Start, tmp_path: Path) -> None:
    made, agent = await desk(says("Under the mat."))
    key = SigningKey()
    (tmp_path / "card.pem").write_bytes(key.pem())
    config = CONFIG.format(url=agent.url, protocol="chat")
    config += "    public_url: https://agents.example.com\n"
    signing = f'    card_signing: {{key: "file:{tmp_path}/card.pem", key_id: k1}}\n'
    await made.planes.apply(config + signing)
    public = PyJWK(key.jwk, key.algorithm)
    verify = create_signature_verifier(lambda kid, jku: public, ["ES256"])
    verify(parse_agent_card(await made.card()))  # raises when it is not
    extended = (await made.rpc("GetExtendedAgentCard", {}))["result"]
    verify(parse_agent_card(extended))
    await made.planes.apply(config)
    assert "signatures" not in await made.card()


async def test_config_with_a_key_that_cannot_be_read_is_refused(
    desk: Start, tmp_path: Path
) -> None:
    made, agent = await desk(says("Under the mat."))
    config = CONFIG.format(url=agent.url, protocol="chat")
    config += "    public_url: https://agents.example.com\n"
    config += f'    card_signing: {{key: "file:{tmp_path}/none.pem", key_id: k1}}\n'
    await made.planes.control.pipeline.apply(config, "a.yaml", "test")
    worker = made.planes.workers[0]
    await until(lambda: bool(worker.report().refusals))
    assert "none.pem cannot be read" in str(worker.report().refusals)
    assert "agents.example.com" not in json.dumps(await made.card())


async def test_message_becomes_a_task_and_its_events(desk: Start) -> None:
    made, agent = await desk(says("Under ", "the mat."))
    told = await made.stream("SendStreamingMessage", {"message": NEW})
    assert [next(iter(event)) for event in told] == [
        "task",
        "statusUpdate",
        "artifactUpdate",
        "artifactUpdate",
        "statusUpdate",
    ]
    assert state(told[-1]["statusUpdate"]) == "TASK_STATE_COMPLETED"
    assert agent.received[0].body["messages"] == [{"role": "user", "content": "Where is the key?"}]
    old = await made.stream("message/stream", {"message": OLD})
    assert [event["kind"] for event in old][:3] == ["task", "status-update", "artifact-update"]
    assert old[-1]["final"] is True


@pytest.mark.parametrize("wish", ["events", "comments", "text", "never"])
async def test_progress_is_told_as_states_of_the_task(desk: Start, wish: str) -> None:
    made, agent = await desk(says("Under the mat."))
    config = CONFIG.format(url=agent.url, protocol="chat")
    await made.planes.apply(config + "    plan: {steps: [helper, helper]}\n")
    body = rpc("SendStreamingMessage", {"message": NEW})
    headers = {"x-outrider-progress": wish}
    async with (
        ClientSession(headers=headers) as session,
        session.post(made.url + "/a2a", json=body) as answer,
    ):
        lines = (await answer.text()).split("\n\n")
    told = [json.loads(one[6:])["result"] for one in lines if one]
    states = [mapping(one.get("statusUpdate")) for one in told]
    progress = [one["metadata"]["outrider"] for one in states if "metadata" in one]
    before = ["delta"] if wish == "text" else []
    happened = ["decided", "started", *before, "answered", "started"]
    assert [one["event"] for one in progress] == ([] if wish == "never" else happened)
    assert state(told[-1]["statusUpdate"]) == "TASK_STATE_COMPLETED"
    if progress:
        assert progress[-2]["text"] == "Under the mat."


async def test_answer_in_one_piece_is_the_task(desk: Start) -> None:
    made, _ = await desk(says("Under ", "the mat."))
    sent = (await made.rpc("SendMessage", {"message": NEW}))["result"]["task"]
    assert sent["artifacts"][0]["parts"] == [{"text": "Under the mat."}]
    got = (await made.rpc("GetTask", {"id": sent["id"]}))["result"]
    assert got == sent
    old = (await made.rpc("tasks/get", {"id": sent["id"], "historyLength": 0}))["result"]
    assert (old["kind"], old["status"]["state"]) == ("task", "completed")
    assert "history" not in old
    async with ClientSession(headers={"authorization": "Bearer alice"}) as session:
        url = f"{made.url}/a2a/tasks/{sent['id']}"
        async with session.get(url) as answer:
            assert (await answer.json())["id"] == sent["id"]


async def test_context_is_remembered_for_agents_that_know_only_chat(desk: Start) -> None:
    made, agent = await desk(says("Under the mat."))
    first = (await made.rpc("SendMessage", {"message": NEW}))["result"]["task"]
    again = NEW | {"contextId": first["contextId"]}
    second = (await made.rpc("SendMessage", {"message": again}))["result"]["task"]
    assert second["contextId"] == first["contextId"]
    assert second["id"] != first["id"]
    said = [one["content"] for one in agent.received[1].body["messages"]]
    assert said == ["Where is the key?", "Under the mat.", "Where is the key?"]


@pytest.mark.parametrize("method", ["SendMessage", "SendStreamingMessage"])
async def test_context_keeps_its_version_of_an_agent(tmp_path: Path, method: str) -> None:
    """Whichever way its client hears the answer: it is a conversation like any other."""
    async with (
        service(says("Under the mat.")) as old,
        service(says("In the pot.")) as new,
        ClientSession() as session,
    ):

        def config(weight: int, other: int) -> str:
            versions = f"{{name: v1, url: '{old.url}', weight: {weight}}}, "
            versions += f"{{name: v2, url: '{new.url}', weight: {other}}}"
            url = "    url: {url}\n    protocol: {protocol}\n"
            return CONFIG.replace(url, f"    versions: [{versions}]\n")

        async with planes(config(1, 0), tmp_path) as made:
            desk = Desk(made, session)
            where = NEW | {"contextId": "mine"}
            _, _, told = await desk.post("/a2a", rpc(method, {"message": where}))
            assert "Under the mat." in told
            await made.apply(config(0, 1))
            _, _, told = await desk.post("/a2a", rpc(method, {"message": where}))
            assert "Under the mat." in told
            _, _, told = await desk.post("/a2a", rpc(method, {"message": NEW}))
            assert "In the pot." in told


async def test_others_know_neither_task_nor_context(desk: Start) -> None:
    made, agent = await desk(says("Under the mat."))
    mine = (await made.rpc("SendMessage", {"message": NEW}))["result"]["task"]
    theirs = await made.rpc("GetTask", {"id": mine["id"]}, token="bob")
    assert theirs["error"]["code"] == -32001
    await made.rpc("SendMessage", {"message": NEW | {"contextId": mine["contextId"]}}, token="bob")
    assert len(agent.received[1].body["messages"]) == 1


async def test_tasks_are_listed_newest_first_page_by_page(desk: Start) -> None:
    made, _ = await desk(says("Under the mat."))
    sent = [(await made.rpc("SendMessage", {"message": NEW}))["result"]["task"] for _ in range(3)]
    listed = (await made.rpc("ListTasks", {"pageSize": 2}))["result"]
    assert [one["id"] for one in listed["tasks"]] == [sent[2]["id"], sent[1]["id"]]
    assert (listed["pageSize"], listed["totalSize"]) == (2, 3)
    assert all("artifacts" not in one for one in listed["tasks"])
    rest = {"pageToken": listed["nextPageToken"], "includeArtifacts": True, "historyLength": 0}
    last = (await made.rpc("ListTasks", rest))["result"]
    assert last["nextPageToken"] == ""
    without_history = {name: sent[0][name] for name in sent[0] if name != "history"}
    assert last["tasks"] == [without_history]
    of_context = (await made.rpc("ListTasks", {"contextId": sent[1]["contextId"]}))["result"]
    assert [one["id"] for one in of_context["tasks"]] == [sent[1]["id"]]
    others = (await made.rpc("ListTasks", {}, token="bob"))["result"]
    assert (others["tasks"], others["totalSize"]) == ([], 0)
    refused = await made.rpc("ListTasks", {"pageSize": 1000})
    assert refused["error"]["code"] == -32602


async def test_strangers_list_the_tasks_of_a_context_that_they_can_name(desk: Start) -> None:
    made, _ = await desk(says("Under the mat."))
    async with ClientSession(made.url) as session:
        async with session.post("/a2a/message:send", json={"message": NEW}) as answer:
            sent = (await answer.json())["task"]
        async with session.get("/a2a/tasks") as answer:
            assert answer.status == 400
            assert "contextId" in (await answer.json())["error"]["message"]
        query = {"contextId": sent["contextId"], "includeArtifacts": "true"}
        async with session.get("/a2a/tasks", params=query) as answer:
            assert (await answer.json())["tasks"] == [sent]


FIRST = events(["Under "])[0]


async def test_task_is_cancelled_while_it_runs(desk: Start) -> None:
    made, agent = await desk(starts_and_hangs(FIRST))
    answer, begun = await made.begun("SendStreamingMessage", {"message": NEW})
    got = (await made.rpc("GetTask", {"id": begun["id"]}))["result"]
    assert state(got) in ("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING")
    running = (await made.rpc("ListTasks", {"status": "TASK_STATE_WORKING"}))["result"]
    assert [one["id"] for one in running["tasks"]] == [begun["id"]]
    cancelled = (await made.rpc("CancelTask", {"id": begun["id"]}))["result"]
    assert state(cancelled) == "TASK_STATE_CANCELED"
    rest = (await answer.read()).decode()
    assert "TASK_STATE_CANCELED" in rest
    await agent.received[0].cancelled.wait()
    again = await made.rpc("CancelTask", {"id": begun["id"]})
    assert again["error"]["code"] == -32002


async def test_client_that_leaves_takes_its_task_along(desk: Start) -> None:
    made, agent = await desk(starts_and_hangs(FIRST))
    answer, begun = await made.begun("SendStreamingMessage", {"message": NEW})
    answer.close()
    await agent.received[0].cancelled.wait()

    async def over() -> bool:
        got = (await made.rpc("GetTask", {"id": begun["id"]}))["result"]
        return state(got) == "TASK_STATE_CANCELED"

    async with asyncio.timeout(5):
        while not await over():  # noqa: ASYNC110 - each look is a request
            await asyncio.sleep(0.02)


async def test_whoever_subscribes_hears_the_rest(desk: Start) -> None:
    goes_on = asyncio.Event()

    async def answer(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        first, *rest = events(["Under ", "the mat."])
        await response.write(first)
        await goes_on.wait()
        for data in rest:
            await response.write(data)
        return response

    made, _ = await desk(answer)
    stream, begun = await made.begun("SendStreamingMessage", {"message": NEW})
    for _ in range(5):  # what was told before the words
        await stream.content.readline()
    second, again = await made.begun("SubscribeToTask", {"id": begun["id"]})
    assert again["artifacts"][0]["parts"] == [{"text": "Under "}]
    goes_on.set()
    for one in (stream, second):
        rest = (await one.read()).decode()
        assert "the mat." in rest
        assert "TASK_STATE_COMPLETED" in rest
    late = await made.rpc("SubscribeToTask", {"id": begun["id"]})
    assert late["error"]["code"] == -32004


async def test_client_that_does_not_wait_gets_the_task_at_once(desk: Start) -> None:
    goes_on = asyncio.Event()

    async def answer(one: Received) -> web.StreamResponse:
        await goes_on.wait()
        return web.json_response(completion("Under the mat."))

    made, _ = await desk(answer)
    asked = {"message": NEW, "configuration": {"returnImmediately": True}}
    begun = (await made.rpc("SendMessage", asked))["result"]["task"]
    assert state(begun) in ("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING")
    goes_on.set()

    async def over() -> Json | None:
        got: Json = (await made.rpc("GetTask", {"id": begun["id"]}))["result"]
        return got if state(got) == "TASK_STATE_COMPLETED" else None

    async with asyncio.timeout(5):
        while (got := await over()) is None:  # noqa: ASYNC110 - each look is a request
            await asyncio.sleep(0.02)
    assert got["artifacts"][0]["parts"] == [{"text": "Under the mat."}]


async def test_agent_that_fails_is_an_error_with_its_status(desk: Start) -> None:
    made, _ = await desk(replies(500, {"error": {"message": "It broke."}}))
    body = {"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {"message": NEW}}
    code, headers, told = await made.post("/a2a", body)
    error = json.loads(told)
    assert code == 500
    assert (error["id"], error["error"]["code"]) == (7, -32603)
    assert "It broke." in error["error"]["message"]
    assert headers["x-outrider-agents"] == "helper"
    code, _, told = await made.post("/a2a/message:stream", {"message": NEW})
    assert code == 500
    assert "It broke." in json.loads(told)["error"]["message"]


async def test_answer_that_breaks_off_is_a_task_that_failed(desk: Start) -> None:
    async def breaks(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(FIRST)
        one.request.transport.close()  # type: ignore[union-attr]
        return response

    made, _ = await desk(breaks)
    told = await made.stream("SendStreamingMessage", {"message": NEW})
    last = told[-1]["statusUpdate"]
    assert state(last) == "TASK_STATE_FAILED"
    got = (await made.rpc("GetTask", {"id": last["taskId"]}))["result"]
    assert state(got) == "TASK_STATE_FAILED"


FAULTS: dict[str, tuple[str, object, int]] = {
    "push": (
        "message/send",
        {"message": OLD, "configuration": {"pushNotificationConfig": {"url": "http://10.0.0.1/"}}},
        -32003,
    ),
    "push config": ("tasks/pushNotificationConfig/set", {"taskId": "t"}, -32003),
    "unknown task": ("GetTask", {"id": "nobody's"}, -32001),
    "unknown task of a message": ("SendMessage", {"message": NEW | {"taskId": "t"}}, -32001),
    "method": ("Dance", {}, -32601),
    "params": ("SendMessage", {"message": {}}, -32602),
}


@pytest.mark.parametrize("what", FAULTS)
async def test_fault_has_its_code_and_asks_nobody(desk: Start, what: str) -> None:
    made, agent = await desk(never())
    method, params, code = FAULTS[what]
    assert (await made.rpc(method, params))["error"]["code"] == code
    assert not agent.received


@pytest.mark.parametrize(
    ("path", "code"), [("/a2a/nowhere", 404), ("/a2a/tasks/t:cancel", 404), ("/a2ab", 404)]
)
async def test_nothing_is_at_other_paths(desk: Start, path: str, code: int) -> None:
    made, _ = await desk(never())
    got, _, _ = await made.post(path, {})
    assert got == code


KEY = "sk-alice-0123456789abcdef"
GUARDED = (
    CONFIG.format(url="http://127.0.0.1:1", protocol="chat").replace(
        "    agents:", "    auth: {api_keys: true}\n    agents:"
    )
    + "api_keys:\n  - {name: alice, key: $ALICE}\n"
)


async def test_strangers_see_how_to_show_a_credential_and_nothing_else(tmp_path: Path) -> None:
    async with (
        planes(GUARDED, tmp_path, environ={"ALICE": KEY}) as made,
        ClientSession() as session,
    ):
        desk = Desk(made, session)
        card = await desk.card()
        assert card["security"] == [{"bearer": []}]
        assert "Helps" not in json.dumps(card)
        code, _, _ = await desk.post("/a2a", {"jsonrpc": "2.0", "id": 1, "method": "GetTask"})
        assert code == 401
        headers = {"authorization": f"Bearer {KEY}"}
        url = desk.url + "/.well-known/agent-card.json"
        async with session.get(url, headers=headers) as answer:
            assert "Helps with keys." in await answer.text()


async def test_client_that_has_the_card_does_not_get_it_again(desk: Start) -> None:
    made, _ = await desk(says("never"))
    url = made.url + "/.well-known/agent-card.json"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            etag, card = answer.headers["etag"], await answer.json()
        for named in (etag, f'"other", {etag}', "*"):
            async with session.get(url, headers={"if-none-match": named}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
                assert answer.headers["etag"] == etag
        async with session.get(url, headers={"if-none-match": '"other"'}) as answer:
            assert (answer.status, await answer.json()) == (200, card)


async def test_a2a_agents_task_is_the_clients_task(tmp_path: Path) -> None:
    script: list[Json | str] = [task("WORKING"), artifact("Under "), HANG]
    async with (
        a2a_agent(lambda _: script) as agent,
        planes(CONFIG.format(url=agent.url, protocol="a2a"), tmp_path) as made,
        ClientSession() as session,
    ):
        desk = Desk(made, session)
        answer, begun = await desk.begun("SendStreamingMessage", {"message": NEW})
        assert (begun["id"], begun["contextId"]) == ("t-1", "c-1")
        cancelled = (await desk.rpc("CancelTask", {"id": "t-1"}))["result"]
        assert state(cancelled) == "TASK_STATE_CANCELED"
        assert agent.cancelled.is_set()
        answer.close()
        other = await desk.rpc("GetTask", {"id": "t-1"}, token="bob")
        assert other["error"]["code"] == -32001


async def test_a2a_agents_question_is_answered_in_its_task(tmp_path: Path) -> None:
    script: list[Json | str] = [task("WORKING"), status("INPUT_REQUIRED", "Which door?")]
    async with (
        a2a_agent(lambda _: script) as agent,
        planes(CONFIG.format(url=agent.url, protocol="a2a"), tmp_path) as made,
        ClientSession() as session,
    ):
        desk = Desk(made, session)
        told = await desk.stream("SendStreamingMessage", {"message": NEW})
        assert state(told[-1]["statusUpdate"]) == "TASK_STATE_INPUT_REQUIRED"
        more = NEW | {"taskId": "t-1", "contextId": "c-1", "parts": [{"text": "The left one."}]}
        await desk.stream("SendStreamingMessage", {"message": more})
        message = agent.calls[-1][1]["message"]
        assert (message["taskId"], message["contextId"]) == ("t-1", "c-1")
        assert message["parts"] == [{"text": "The left one."}]


FILTERED = (
    CONFIG.replace(
        "listeners:",
        "filters:\n  - id: words\n    type: patterns\n    config:\n"
        "      deny: [{{name: place, pattern: mat}}]\n      answers: {verdict}\nlisteners:",
    )
    + "    output_filters: [words]\n"
)


@pytest.mark.parametrize("protocol", ["chat", "a2a"])
async def test_output_filters_see_what_is_told_in_a2a(tmp_path: Path, protocol: str) -> None:
    script: list[Json | str] = [
        task("WORKING"),
        artifact("Under the "),
        artifact("mat."),
        status("COMPLETED"),
    ]
    async with (
        service(says("Under the ", "mat.")) as chat,
        a2a_agent(lambda _: script) as agent,
        planes(
            FILTERED.format(
                url=chat.url if protocol == "chat" else agent.url,
                protocol=protocol,
                verdict="redact",
            ),
            tmp_path,
        ) as made,
        ClientSession() as session,
    ):
        desk = Desk(made, session)
        told = json.dumps(await desk.stream("SendStreamingMessage", {"message": NEW}))
        assert "mat" not in told.replace("format", "")
        assert "[REDACTED]" in told
        assert "TASK_STATE_COMPLETED" in told


async def test_answer_that_a_filter_refuses_is_an_error(tmp_path: Path) -> None:
    async with (
        service(says("Under the mat.")) as chat,
        planes(FILTERED.format(url=chat.url, protocol="chat", verdict="refuse"), tmp_path) as made,
        ClientSession() as session,
    ):
        desk = Desk(made, session)
        answer = await desk.rpc("SendMessage", {"message": NEW})
        assert "mat" not in json.dumps(answer).replace("format", "")
        assert "error" in answer or state(answer["result"]["task"]) == "TASK_STATE_FAILED"
