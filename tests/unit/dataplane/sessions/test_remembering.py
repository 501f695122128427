"""A store of sessions that never fails a request."""

from pathlib import Path

from dataplane.runtime.choosing import SessionRules
from dataplane.runtime.config import Secret
from dataplane.sessions.remembering import Remembering
from tests.support.stores import redis_server

GONE = SessionRules(redis=Secret("redis://127.0.0.1:1/0"))


def wall() -> float:
    return 1000.0


async def test_what_is_kept_is_recalled_by_another_worker(tmp_path: Path) -> None:
    one, two = (Remembering(tmp_path / "s.sqlite", wall) for _ in range(2))
    await one.remember("k", b"v", 60)
    assert await two.recall("k") == b"v"
    assert await two.recall("other") is None
    await one.close()
    await two.close()


async def test_store_that_is_gone_has_forgotten() -> None:
    memory = Remembering(None, wall)
    await memory.configure(GONE)
    await memory.remember("k", b"v", 60)
    assert await memory.recall("k") is None
    assert memory.failures == 2
    await memory.close()


async def test_url_that_is_none_is_a_store_that_is_gone() -> None:
    memory = Remembering(None, wall)
    await memory.configure(SessionRules(redis=Secret("nonsense")))
    assert await memory.recall("k") is None
    assert memory.failures == 1
    await memory.close()


async def test_other_rules_open_another_store_and_equal_ones_do_not(tmp_path: Path) -> None:
    memory = Remembering(tmp_path / "s.sqlite", wall)
    with redis_server() as url:
        await memory.remember("k", b"local", 60)
        await memory.configure(SessionRules(redis=Secret(url)))
        assert await memory.recall("k") is None
        await memory.remember("k", b"shared", 60)
        await memory.configure(SessionRules(ttl_s=5, redis=Secret(url)))
        assert await memory.recall("k") == b"shared"
        await memory.configure(SessionRules())
        assert await memory.recall("k") == b"local"
    await memory.close()
