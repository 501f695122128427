import math
from collections.abc import Iterator

import pytest

from dataplane.intent.embed import missing_packages
from dataplane.runtime.effects import Meaning
from dataplane.server.outside.meanings import (
    DIMENSIONS,
    MAX_FOUND,
    MAX_OF_GROUP,
    LocalMeanings,
    SharedMeanings,
)
from dataplane.sessions.redis import RedisStore
from tests.support.stores import redis_server

pytestmark = pytest.mark.skipif(bool(missing_packages()), reason="needs the router extra")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def vector(degrees: float) -> tuple[float, ...]:
    """Directions in a plane: their similarity is the cosine of the angle between them."""
    angle = math.radians(degrees)
    return (math.cos(angle), math.sin(angle), *(0.0,) * (DIMENSIONS - 2))


def meaning(degrees: float, group: str = "g") -> Meaning:
    return Meaning(group, vector(degrees), f"{degrees}?")


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server() as url:
        yield url


async def test_the_nearest_come_first_with_their_similarity() -> None:
    made = LocalMeanings(1 << 20, Clock())
    for degrees in (20, 5, 80):
        await made.note(meaning(degrees), f"key {degrees}", 10.0)
    found = await made.alike("g", vector(0), 0.9)
    assert [(one.text, one.key) for one in found] == [("5?", "key 5"), ("20?", "key 20")]
    assert found[0].similarity == pytest.approx(math.cos(math.radians(5)), abs=1e-3)


async def test_other_groups_have_nothing_to_do_with_it() -> None:
    made = LocalMeanings(1 << 20, Clock())
    await made.note(meaning(0, "one"), "key", 10.0)
    assert await made.alike("other", vector(0), 0.9) == []


async def test_what_has_expired_is_not_found() -> None:
    clock = Clock()
    made = LocalMeanings(1 << 20, clock)
    await made.note(meaning(0), "key", 10.0)
    clock.now += 10.0
    assert await made.alike("g", vector(0), 0.9) == []


async def test_a_group_keeps_its_newest_and_tells_a_few() -> None:
    made = LocalMeanings(1 << 20, Clock())
    for number in range(MAX_OF_GROUP + 1):
        await made.note(meaning(0 if number == 0 else 45), f"key {number}", 10.0)
    assert await made.alike("g", vector(0), 0.9) == []
    assert len(await made.alike("g", vector(45), 0.9)) == MAX_FOUND


async def test_the_group_that_was_not_asked_for_longest_goes_first() -> None:
    made = LocalMeanings(0, Clock())  # one full group
    for number in range(MAX_OF_GROUP):
        await made.note(meaning(0, f"group {number}"), "key", 10.0)
    assert await made.alike("group 0", vector(0), 0.9)
    await made.note(meaning(0, "new"), "key", 10.0)
    assert await made.alike("group 0", vector(0), 0.9)
    assert await made.alike("group 1", vector(0), 0.9) == []


async def test_a_question_that_is_answered_anew_is_there_once() -> None:
    made = LocalMeanings(1 << 20, Clock())
    for _ in range(3):
        await made.note(meaning(0), "key", 10.0)
    assert len(await made.alike("g", vector(0), 0.9)) == 1


async def test_workers_share_what_is_in_redis(redis: str) -> None:
    stores = [RedisStore(redis) for _ in range(2)]
    one, other = (SharedMeanings(store, 1 << 20, Clock()) for store in stores)
    assert await one.alike("g", vector(0), 0.9) == []
    await other.note(meaning(5), "first", 10.0)
    assert [found.key for found in await one.alike("g", vector(0), 0.9)] == ["first"]
    await one.note(meaning(1), "second", 10.0)
    for worker in (one, other):
        found = await worker.alike("g", vector(0), 0.9)
        assert [each.key for each in found] == ["second", "first"]
    for store in stores:
        await store.close()


async def test_what_others_put_there_is_passed_over(redis: str) -> None:
    store = RedisStore(redis)
    made = SharedMeanings(store, 1 << 20, Clock())
    await store.append("alike:strange", b"\xc1", 9, 10.0)
    await made.note(meaning(0, "strange"), "key", 10.0)
    assert [found.key for found in await made.alike("strange", vector(0), 0.9)] == ["key"]
    await store.close()
