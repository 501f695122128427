"""Workers of one data plane that talk to each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dataplane.server.neighbours import Neighbours, Say, marked, worker_of

COUNT = 3


@pytest.fixture
async def three() -> AsyncIterator[list[Neighbours]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))  # (a socket has a short path)
        made = [Neighbours(index, COUNT, folder) for index in range(COUNT)]
        for one in made:
            await one.start()
            stack.push_async_callback(one.close)
        yield made


async def echo(body: bytes, say: Say) -> None:
    for piece in body.split():
        await say(piece)


async def test_what_is_said_is_heard_and_answered(three: list[Neighbours]) -> None:
    three[1].on("echo", echo)
    assert await three[0].tell(1, "echo", b"a b") == [b"a", b"b"]
    large = b"x" * 3_000_000
    assert await three[0].tell(1, "echo", large) == [large]


async def test_all_others_hear_what_is_said_to_all(three: list[Neighbours]) -> None:
    heard: list[int] = []
    for one in three:

        async def hear(body: bytes, _: Say, index: int = one.index) -> None:
            heard.append(index)

        one.on("word", hear)
    await three[1].tell_all("word", b"")
    assert sorted(heard) == [0, 2]


async def test_who_is_not_there_has_nothing_to_say(three: list[Neighbours]) -> None:
    await three[2].close()
    assert await three[0].tell(2, "echo", b"a") == []
    assert await three[0].tell(1, "unknown", b"a") == []
    assert await three[0].tell(7, "echo", b"a") == []
    assert await three[0].tell(0, "echo", b"a") == []  # nobody talks to themselves
    alone = Neighbours(0, COUNT, None)
    await alone.start()
    await alone.tell_all("echo", b"a")
    assert await alone.tell(1, "echo", b"a") == []


async def test_who_stops_listening_stops_the_neighbour(three: list[Neighbours]) -> None:
    stopped = asyncio.Event()

    async def hear(_: bytes, say: Say) -> None:
        try:
            await say(b"begun")
            await asyncio.Event().wait()
        finally:
            stopped.set()

    three[1].on("long", hear)
    async with three[0].opened(1, "long", b"") as coming:
        assert await anext(coming) == b"begun"
    await asyncio.wait_for(stopped.wait(), 5)


async def test_neighbour_that_fails_says_no_more(
    three: list[Neighbours], caplog: pytest.LogCaptureFixture
) -> None:
    async def hear(_: bytes, say: Say) -> None:
        await say(b"begun")
        raise ValueError("no")

    three[1].on("bad", hear)
    assert await three[0].tell(1, "bad", b"") == [b"begun"]
    assert "neighbour failed" in caplog.text


@pytest.mark.parametrize(
    ("token", "worker"),
    [(marked(3, "a-b"), 3), ("a-b", -1), ("", -1), ("-1", -1), ("999999-x", -1), ("²-x", -1)],
)
def test_token_says_which_worker_knows_it(token: str, worker: int) -> None:
    assert worker_of(token) == worker
