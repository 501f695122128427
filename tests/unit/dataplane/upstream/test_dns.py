"""Looking names up again and again, with a resolver and a clock that the test holds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from dataplane.tasks import Tasks
from dataplane.upstream.dns import AT_ONCE, Dns, system_lookup
from tests.support.wait import until


class FakeDns:
    """Answers of a resolver by name, and the sleeps between look-ups, which end when `tick`ed."""

    def __init__(self, **answers: Sequence[str] | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.changed: list[str] = []
        self.slept: list[float] = []
        self.open = asyncio.Event()
        self.open.set()
        self._wake = asyncio.Event()

    async def lookup(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        await self.open.wait()
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._wake.wait()

    async def tick(self) -> None:
        """Every interval is over, and every look-up that follows is done."""
        asleep = len(self.slept)
        wake, self._wake = self._wake, asyncio.Event()
        wake.set()
        await until(lambda: len(self.slept) == 2 * asleep)
        self.slept = self.slept[asleep:]


@asynccontextmanager
async def following(fake: FakeDns, random: float = 0.5, **names: float) -> AsyncIterator[Dns]:
    tasks = Tasks()
    dns = Dns(fake.changed.append, lambda: random, tasks, fake.lookup, fake.sleep)
    dns.follow(names)
    try:
        yield dns
    finally:
        await tasks.close()


async def test_a_name_is_looked_up_at_once_and_told() -> None:
    fake = FakeDns(gpu=["10.0.0.2", "10.0.0.1"])
    async with following(fake, gpu=5.0) as dns:
        await until(lambda: fake.slept == [5.0])
        assert fake.changed == ["gpu"]
        assert dns.known == {"gpu": ("10.0.0.1", "10.0.0.2")}


async def test_what_has_not_changed_is_not_told() -> None:
    fake = FakeDns(gpu=["10.0.0.1", "10.0.0.2"])
    async with following(fake, gpu=5.0):
        await until(lambda: len(fake.slept) == 1)
        fake.answers["gpu"] = ["10.0.0.2", "10.0.0.1"]
        await fake.tick()
        assert fake.changed == ["gpu"]


async def test_what_has_changed_is_told_at_the_next_look() -> None:
    fake = FakeDns(gpu=["10.0.0.1"])
    async with following(fake, gpu=5.0) as dns:
        await until(lambda: len(fake.slept) == 1)
        fake.answers["gpu"] = ["10.0.0.3"]
        await fake.tick()
        assert fake.changed == ["gpu", "gpu"]
        assert dns.known == {"gpu": ("10.0.0.3",)}


@pytest.mark.parametrize(
    "failure",
    [OSError(-2, "Name or service not known"), UnicodeError("label too long"), TimeoutError()],
    ids=["unknown", "not a name", "silent"],
)
async def test_a_lookup_that_fails_keeps_what_was_known_and_is_told_once(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake = FakeDns(gpu=["10.0.0.1"])
    async with following(fake, gpu=5.0) as dns:
        await until(lambda: len(fake.slept) == 1)
        fake.answers["gpu"] = failure
        await fake.tick()
        await fake.tick()
        assert dns.known == {"gpu": ("10.0.0.1",)}
        assert dns.failures == {"gpu": 2}
        (told,) = (record for record in caplog.records if "cannot be looked up" in record.message)
        assert "kept: 10.0.0.1" in told.message
        fake.answers["gpu"] = ["10.0.0.1"]
        await fake.tick()
        assert dns.failures == {}
        assert "gpu is found again" in caplog.messages


async def test_an_empty_answer_takes_nothing_away() -> None:
    fake = FakeDns(gpu=["10.0.0.1"])
    async with following(fake, gpu=5.0) as dns:
        await until(lambda: len(fake.slept) == 1)
        fake.answers["gpu"] = []
        await fake.tick()
        assert dns.known == {"gpu": ("10.0.0.1",)}


async def test_intervals_differ_by_chance() -> None:
    fake = FakeDns(gpu=["10.0.0.1"])
    async with following(fake, random=0.0, gpu=10.0):
        await until(lambda: bool(fake.slept))
        assert fake.slept == [9.5]


async def test_a_name_that_nobody_has_any_more_is_forgotten() -> None:
    fake = FakeDns(gpu=["10.0.0.1"], cpu=["10.0.0.2"])
    async with following(fake, gpu=5.0, cpu=5.0) as dns:
        await until(lambda: len(fake.slept) == 2)
        dns.follow({"cpu": 5.0})
        assert dns.known == {"cpu": ("10.0.0.2",)}
        fake.slept.clear()
        fake.slept.append(5.0)
        await fake.tick()
        assert fake.asked.count("gpu") == 1
        assert fake.asked.count("cpu") == 2


async def test_one_more_name_is_looked_up_beside_the_others() -> None:
    fake = FakeDns(gpu=["10.0.0.1"], cpu=["10.0.0.2"])
    async with following(fake, gpu=5.0) as dns:
        dns.also({"cpu": 7.0, "gpu": 1.0})
        await until(lambda: sorted(fake.slept) == [1.0, 7.0])
        assert sorted(dns.known) == ["cpu", "gpu"]
        dns.also({"gpu": 9.0})
        await fake.tick()
        assert sorted(fake.slept) == [1.0, 7.0]


async def test_addresses_that_nobody_can_use_do_not_end_the_looks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(name: str) -> None:
        raise RuntimeError("a bug")

    fake, tasks = FakeDns(gpu=["10.0.0.1"]), Tasks()
    dns = Dns(fails, lambda: 0.5, tasks, fake.lookup, fake.sleep)
    dns.follow({"gpu": 5.0})
    await until(lambda: len(fake.slept) == 1)
    assert "the addresses of gpu cannot be used" in caplog.messages
    await fake.tick()
    assert len(fake.asked) == 2
    await tasks.close()


async def test_lookups_at_the_same_time_are_bounded() -> None:
    fake = FakeDns(**{f"n{i}": ["10.0.0.1"] for i in range(20)})
    fake.open.clear()
    async with following(fake, **{f"n{i}": 5.0 for i in range(20)}):
        await until(lambda: len(fake.asked) == AT_ONCE)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(fake.asked) == AT_ONCE
        fake.open.set()
        await until(lambda: len(fake.slept) == 20)


async def test_the_system_knows_this_machine() -> None:
    assert {"127.0.0.1", "::1"} & set(await system_lookup("localhost"))
