"""Tasks that run, and what is kept of them, by several workers over one memory."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dataplane.agents.a2a.listing import Line
from dataplane.agents.a2a.values import Json
from dataplane.filters.builtin import Chains
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.config import Listener, ListenerKind, RuntimeConfig
from dataplane.runtime.messages import Request
from dataplane.server.a2a import tasks
from dataplane.server.a2a.tasks import Kept, Running, TaskBook
from dataplane.server.downstream import Call
from dataplane.sessions.remembering import Remembering


def call(token: str = "alice") -> Call:
    listener = Listener("desk", ListenerKind.AGENT, "127.0.0.1", 0)
    request = Request("POST", "/a2a", (("authorization", token),))
    return Call(RuntimeConfig(), listener, request, "r", "", 10.0, ExchangeRecord(), Chains({}).of)


def task(state: str) -> Json:
    return {"id": "t", "contextId": "c", "status": {"state": state}}


async def forever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def memory() -> Remembering:
    return Remembering(None, lambda: 0.0)


async def test_task_is_found_by_its_owner_alone(memory: Remembering) -> None:
    here, there = TaskBook(memory), TaskBook(memory)
    await here.begin(call(), "t", Running(), Kept(task("TASK_STATE_WORKING"), "a"))
    found = await there.find(call(), "t")
    assert found is not None
    assert found.task == task("TASK_STATE_WORKING")
    assert await there.find(call("bob"), "t") is None
    other = replace(call(), listener=replace(call().listener, name="other"))
    assert await there.find(other, "t") is None
    assert there.running(call(), "t") is None
    assert here.running(call("bob"), "t") is None


def anonymous() -> Call:
    made = call()
    return replace(made, request=replace(made.request, headers=()))


async def test_tasks_are_listed_for_whose_they_are_by_every_worker(memory: Remembering) -> None:
    here, there, running = TaskBook(memory), TaskBook(memory), Running()
    await here.begin(call(), "t", running, Kept(task("TASK_STATE_SUBMITTED")))
    running.tell({"task": task("TASK_STATE_WORKING")})
    assert await here.listed(call(), "") == [Line("t", "c", "TASK_STATE_WORKING")]
    assert await there.listed(call(), "") == [Line("t", "c", "TASK_STATE_SUBMITTED")]
    assert await there.listed(call("bob"), "") == []
    assert await there.listed(anonymous(), "c") == []


async def test_tasks_of_nobody_in_particular_are_listed_by_their_context(
    memory: Remembering,
) -> None:
    book = TaskBook(memory)
    await book.keep(anonymous(), "t", Kept(task("TASK_STATE_COMPLETED")))
    assert await book.listed(anonymous(), "c") == [Line("t", "c", "TASK_STATE_COMPLETED")]
    assert await book.listed(anonymous(), "d") == []
    assert await book.listed(call(), "c") == []


async def test_nobody_can_tell_what_there_is_without_the_store(tmp_path: Path) -> None:
    book = TaskBook(Remembering(tmp_path / "no" / "folder", lambda: 0.0))
    assert await book.listed(call(), "") is None


async def test_task_is_cancelled_by_another_worker(
    memory: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LOOK_S", 0.001)
    here, there, running = TaskBook(memory), TaskBook(memory), Running()
    running.work = asyncio.get_running_loop().create_task(forever())
    await here.begin(call(), "t", running, Kept(task("TASK_STATE_WORKING")))
    await there.ask_to_cancel(call("bob"), "t")
    await there.ask_to_cancel(call(), "t")
    async with asyncio.timeout(5):
        await here.watch(call(), "t", running)
    assert running.cancelled
    with pytest.raises(asyncio.CancelledError):
        await running.work


async def test_what_is_kept_but_cannot_be_read_is_nothing(memory: Remembering) -> None:
    book = TaskBook(memory)
    await memory.remember(tasks._key(call(), "t"), b"{", 10.0)
    assert await book.find(call(), "t") is None


async def test_listener_hears_the_task_as_it_is_and_what_follows() -> None:
    running = Running()
    running.tell({"task": task("TASK_STATE_WORKING")})
    heard: list[Json] = []

    async def listen() -> None:
        heard.extend([event async for event in running.follow()])

    listening = asyncio.get_running_loop().create_task(listen())
    await asyncio.sleep(0)
    running.tell({"statusUpdate": {"taskId": "t", "status": {"state": "TASK_STATE_COMPLETED"}}})
    running.end()
    await listening
    assert [next(iter(event)) for event in heard] == ["task", "statusUpdate"]
