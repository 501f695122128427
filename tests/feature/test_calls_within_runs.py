"""Agents that call models and agents through us: one run, one trace, whoever takes the call."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from dataplane.sessions.key import book_of_run
from dataplane.sessions.redis import RedisStore
from tests.support.agents import Received, Service, completion, in_turn, replies, says, service
from tests.support.planes import Planes, planes
from tests.support.stores import redis_server
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: writer
    url: {writer}
model_providers:
  - model: openai/tiny
    base_url: {model}/v1
    access_key: $KEY
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - id: writer
        description: Writes.
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
"""
KEYS = """\
api_keys:
  - {name: anna, tenant: acme, hash: "sha256:HASH"}
"""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PASSED_ON = ("x-outrider-run", "traceparent")


@dataclass
class House:
    """A writer that asks the model listener, or whatever the test says, while it answers."""

    planes: Planes
    model: Service
    http: ClientSession
    log: Path
    config: str
    asks: str = "models"
    """Which listener the writer calls."""
    calls: tuple[int, ...] = (0,)
    """Of which workers, one after the other."""
    passes: tuple[str, ...] = PASSED_ON
    """Headers that the writer passes on."""
    gives_up: bool = False
    """Whether it fails when a call of its does, in the words that it was told."""
    fails: int = 0
    """The status that it answers, whatever it was told."""
    usage: dict[str, Any] = field(default_factory=dict)
    """In place of what it says that it has used."""
    got: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """What the writer was answered."""

    async def write(self, one: Received) -> web.StreamResponse:
        """As an agent does that calls a model."""
        headers = {name: one.headers[name] for name in self.passes if name in one.headers}
        for worker in self.calls:
            self.got.append(await self.post(self.asks, worker, headers))
        if self.fails:
            return web.json_response({"error": "No ink."}, status=self.fails)
        if self.gives_up and self.got[-1][0] != 200:
            status, told = self.got[-1]
            return web.json_response(told, status=status)
        return web.json_response(completion("Done.") | self.usage)

    async def post(
        self, listener: str, worker: int, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        body = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
        url = self.planes.url(listener, worker) + "/v1/chat/completions"
        async with self.http.post(url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def lines(self, count: int) -> dict[str, dict[str, Any]]:
        """The access log, by listener (the last line of each)."""
        await until(lambda: len(self.log.read_text().splitlines()) >= count)
        lines = map(json.loads, self.log.read_text().splitlines())
        return {line["listener"]: line for line in lines}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(service(says("Hi.")))

        async def write(one: Received) -> web.StreamResponse:
            return await made.write(one)

        writer = await stack.enter_async_context(service(write))
        config = CONFIG.format(writer=writer.url, model=model.url)
        running = await stack.enter_async_context(
            planes(config, tmp_path, environ={"KEY": "sk-1"}, workers=2)
        )
        http = await stack.enter_async_context(ClientSession())
        made = House(running, model, http, tmp_path / "access.log", config)
        yield made


@pytest.mark.parametrize("worker", [0, 1])
async def test_a_call_of_an_agent_is_a_part_of_its_run(house: House, worker: int) -> None:
    house.calls = (worker,)
    status, _ = await house.post("desk", 0, {"traceparent": TRACE})
    assert status == 200
    assert house.got[0][0] == 200
    lines = await house.lines(2)
    assert lines["models"]["run_id"] == lines["desk"]["run_id"]
    assert lines["models"]["trace_id"] == lines["desk"]["trace_id"] == TRACE[3:35]


async def test_an_agent_that_keeps_no_trace_is_still_in_it(house: House) -> None:
    house.passes = ("x-outrider-run",)
    await house.post("desk", 0, {"traceparent": TRACE})
    lines = await house.lines(2)
    assert lines["models"]["trace_id"] == TRACE[3:35]


async def test_the_ticket_of_a_run_never_reaches_a_provider(house: House) -> None:
    await house.post("desk", 0, {})
    assert [name for name in house.model.received[0].headers if "outrider" in name] == []


FORGED = [
    pytest.param("1", id="short"),
    pytest.param("A" * 200, id="long"),
    pytest.param("é", id="no text"),
    pytest.param("A" * 5000, id="huge"),
]


@pytest.mark.parametrize("forged", FORGED)
async def test_a_ticket_that_we_did_not_seal_is_as_good_as_none(house: House, forged: str) -> None:
    status, _ = await house.post("models", 0, {"x-outrider-run": forged})
    assert status == 200
    assert "x-outrider-run" not in house.model.received[0].headers
    assert "run_id" not in (await house.lines(1))["models"]
    families = {one.name: one.samples for one in house.planes.workers[0].families()}
    assert families["outrider_run_headers_total"] == {("unknown",): 1.0}


async def test_agents_that_ask_agents_are_stopped(house: House) -> None:
    house.asks, house.calls = "desk", (1,)
    status, _ = await house.post("desk", 0, {})
    assert status == 200
    statuses = [status for status, _ in house.got]
    assert statuses == [422, 200, 200, 200]
    refused = house.got[0][1]["error"]
    assert refused["code"] == "run_limit"
    assert "more than 4 deep" in refused["message"]
    await house.lines(4)
    lines = map(json.loads, house.log.read_text().splitlines())
    assert len({line["run_id"] for line in lines}) == 1


async def test_a_call_of_an_agent_is_on_behalf_of_whom_the_run_is_for(house: House) -> None:
    key = "sk-anna-0123456789"
    hashed = sha256(key.encode()).hexdigest()
    desk, models = house.config.split("  - type: model\n")
    keys = KEYS.replace("HASH", hashed)
    await house.planes.apply(f"{desk}    auth: {{api_keys: true}}\n  - type: model\n{models}{keys}")
    status, _ = await house.post("desk", 0, {})
    assert status == 401
    status, _ = await house.post("desk", 0, {"authorization": f"Bearer {key}"})
    assert status == 200
    line = (await house.lines(3))["models"]
    assert (line["principal"], line["tenant"]) == ("anna", "acme")


async def test_a_ticket_opens_no_listener_that_asks_who_calls(house: House) -> None:
    keys = KEYS.replace("HASH", "0" * 64)
    await house.planes.apply(f"{house.config}    auth: {{api_keys: true}}\n{keys}")
    await house.post("desk", 0, {})
    assert house.got[0][0] == 401
    assert house.model.received == []


BUDGET = """\
    plan: {budget: {tokens: 20}}
  - type: model
"""


@pytest.mark.parametrize("workers", [(0, 0, 0, 0), (1, 1, 1, 1)])
async def test_the_budget_of_a_run_is_one(house: House, workers: tuple[int, ...]) -> None:
    """Each call takes 8 tokens of 20; nothing is begun when they are used up."""
    await house.planes.apply(house.config.replace("  - type: model\n", BUDGET))
    house.calls = workers
    status, _ = await house.post("desk", 0, {})
    assert status == 200
    assert [status for status, _ in house.got] == [200, 200, 200, 429]
    refused = house.got[3][1]["error"]
    assert (refused["code"], refused["type"]) == ("run_limit", "tokens")
    assert refused["message"] == "The budget of this run, 20 tokens, is used up."
    house.got.clear()
    await house.post("desk", 0, {})
    assert [status for status, _ in house.got] == [200, 200, 200, 429]


async def test_the_budget_of_a_run_is_one_whoever_takes_its_calls(house: House) -> None:
    """A worker may begin one more call while it has not yet heard what the other's has used."""
    await house.planes.apply(house.config.replace("  - type: model\n", BUDGET))
    house.calls = (0, 1, 0, 1, 0, 1)
    await house.post("desk", 0, {})
    statuses = [status for status, _ in house.got]
    begun = statuses.count(200)
    assert 3 <= begun <= 4
    assert statuses == [200] * begun + [429] * (6 - begun)


async def test_agent_that_fails_for_the_budget_ends_the_run_and_is_not_asked_again(
    house: House,
) -> None:
    """A client would try again what its agents have failed at: that costs the same once more."""
    await house.planes.apply(house.config.replace("  - type: model\n", BUDGET))
    house.calls, house.gives_up = (0, 0, 0, 0), True
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")
    assert "the budget of this run, 20 tokens, is used up" in said["error"]["message"]
    assert [status for status, _ in house.got] == [200, 200, 200, 429]


async def test_agent_that_fails_within_the_budget_is_asked_again(house: House) -> None:
    plan = BUDGET.replace("20", "2000")
    await house.planes.apply(house.config.replace("  - type: model\n", plan))
    house.gives_up = True
    house.model.answer = replies(429, {"error": {"message": "Slow down."}})
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]) == (429, {"message": "Slow down."})
    assert len(house.got) > 1


@pytest.mark.parametrize("worker", [0, 1])
async def test_no_agent_is_asked_once_the_calls_of_others_have_used_the_budget_up(
    house: House, worker: int
) -> None:
    """Also when these agents say nothing of what they have used."""
    plan = "    plan: {budget: {tokens: 20}, steps: [writer, writer]}\n"
    await house.planes.apply(house.config.replace("  - type: model\n", f"{plan}  - type: model\n"))
    house.calls, house.usage = (worker, worker, worker), {"usage": None}
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")
    assert [status for status, _ in house.got] == [200, 200, 200]


async def test_requests_outside_of_runs_have_no_budget(house: House) -> None:
    await house.planes.apply(house.config.replace("  - type: model\n", BUDGET))
    statuses = [(await house.post("models", 0, {}))[0] for _ in range(5)]
    assert statuses == [200] * 5


async def test_what_agents_say_they_used_counts_once(house: House) -> None:
    """The writer says 8 tokens, of which its calls have used 8 (or of which we know nothing)."""
    plan = "    plan: {budget: {tokens: 20}, steps: [writer, writer, writer, writer]}\n"
    config = house.config.replace("  - type: model\n", f"{plan}  - type: model\n")
    await house.planes.apply(config)
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")
    assert len(house.got) == 3
    house.got.clear()
    house.calls = ()
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")


async def with_calls(house: House, plan: str = "{budget: {calls: 4}}") -> None:
    plan = f"    plan: {plan}\n  - type: model\n"
    await house.planes.apply(house.config.replace("  - type: model\n", plan))


@pytest.mark.parametrize("workers", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 0, 1)])
async def test_the_calls_of_a_run_are_counted_whoever_takes_them(
    house: House, workers: tuple[int, ...]
) -> None:
    """The writer is one of four, so three of a model are left; each run has four."""
    await with_calls(house)
    house.calls = workers
    for _ in range(2):
        house.got.clear()
        status, _ = await house.post("desk", 0, {})
        assert status == 200
        assert [status for status, _ in house.got] == [200, 200, 200, 429]
        refused = house.got[3][1]["error"]
        assert (refused["code"], refused["type"]) == ("run_limit", "requests")
        assert refused["message"] == "The budget of this run, 4 calls, is used up."


async def test_calls_of_agents_that_agents_call_are_counted_with_theirs(house: House) -> None:
    """Each writer asks the desk again, however deep that may go: four are asked in all."""
    await with_calls(house, "{budget: {calls: 4}, max_depth: 100}")
    house.asks = "desk"
    status, _ = await house.post("desk", 0, {})
    assert status == 200
    assert [status for status, _ in house.got] == [422, 200, 200, 200]
    refused = house.got[0][1]["error"]
    assert refused["code"] == "run_limit"
    assert "the budget of this run, 4 calls, is used up" in refused["message"]


async def test_no_agent_is_asked_once_the_calls_are_used_up(house: House) -> None:
    await with_calls(house, "{budget: {calls: 4}, steps: [writer, writer]}")
    house.calls = (0, 0, 0)
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")
    assert "the budget of this run, 4 calls, is used up" in said["error"]["message"]
    assert [status for status, _ in house.got] == [200, 200, 200]


async def test_agent_that_fails_for_the_calls_ends_the_run_and_is_not_asked_again(
    house: House,
) -> None:
    await with_calls(house)
    house.calls, house.gives_up = (0, 0, 0, 0), True
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")
    assert [status for status, _ in house.got] == [200, 200, 200, 429]


async def test_agent_that_fails_at_the_last_call_says_why_itself(house: House) -> None:
    """None is left after it, but none was refused."""
    await with_calls(house, "{budget: {calls: 1}}")
    house.calls, house.fails = (), 500
    status, said = await house.post("desk", 0, {})
    assert status == 502
    assert said["error"]["message"] == "Agent 'writer' answered 500: No ink."


async def test_looking_whether_calls_are_left_takes_none(house: House) -> None:
    """It is looked at when an agent has failed; the two that are left are those of the next."""
    writer = "        description: Writes.\n"
    house.config = house.config.replace(writer, f"{writer}        on_failure: skip\n")
    await with_calls(house, "{budget: {calls: 4}, steps: [writer, writer]}")
    house.model.answer = in_turn(replies(400, {"error": {"message": "No."}}), says("Hi."))
    house.calls, house.gives_up = (0,), True
    status, _ = await house.post("desk", 0, {})
    assert (status, [status for status, _ in house.got]) == (200, [400, 200])


async def priced(house: House, tmp_path: Path, plan: str) -> None:
    """A token in costs a thousandth of a cent, one out ten times that: a call takes $0.00053."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("openai/tiny: {input: 10, output: 100}\n")
    source = f"model_metrics_sources: [{{type: cost, provider: file, path: {prices}}}]\n"
    config = house.config.replace("  - type: model\n", f"    plan: {plan}\n  - type: model\n")
    await house.planes.apply(config + source)
    clients = [worker.client for worker in house.planes.workers]
    await until(lambda: all(one.state.config.model_routing.prices for one in clients), 20)


async def test_no_agent_is_asked_once_the_calls_of_others_have_used_the_money_up(
    house: House, tmp_path: Path
) -> None:
    await priced(house, tmp_path, "{budget: {cost: 0.001}, steps: [writer, writer]}")
    house.calls, house.usage = (0, 0), {"usage": None}
    status, said = await house.post("desk", 0, {})
    assert (status, said["error"]["code"]) == (422, "run_limit")
    assert "the budget of this run, $0.001000, is used up" in said["error"]["message"]
    assert [status for status, _ in house.got] == [200, 200]


async def test_a_conversation_knows_what_its_turns_have_cost_whoever_took_their_calls(
    house: House, tmp_path: Path
) -> None:
    with redis_server() as url:
        house.config += f"routing: {{session_cache: {{type: redis, url: '{url}'}}}}\n"
        await priced(house, tmp_path, "{max_steps: 9}")
        house.calls = (0, 1, 1)
        store, turns = RedisStore(url), []
        for turn in range(3):
            await house.post("desk", turn % 2, {"x-model-affinity": "mine"})
            turns.append((await house.lines(4 * turn + 4))["desk"])
            book = book_of_run(turns[-1]["run_id"])
            written: list[bytes] = []
            for _ in range(500):
                written = await store.lines(book)
                if len(written) == 3:
                    break
            assert len(written) == 3
        await store.close()
    assert [line.get("session_cost_usd", 0.0) for line in turns] == [0.0, 0.00159, 0.00318]
    assert [line.get("session_tokens", 0) for line in turns] == [0, 8, 16]
