"""Providers that fail in every way at random, clients that leave, second attempts, breakers: an
answer is whole or recognisably not, and nothing is left behind.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from random import Random

import pytest

from dataplane.runtime.retry import RetryPolicy
from dataplane.upstream.connection import UpstreamConnection
from tests.support.gateway import Gateway, gateway, model_config, with_fallback
from tests.support.raw_client import Reply, connected, post
from tests.support.upstream import (
    DONE,
    Close,
    Cut,
    Received,
    Script,
    Step,
    chunk,
    chunked_head,
    event,
    json_answer,
    upstream,
)
from tests.support.wait import until

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
LAST = b"0\r\n\r\n"
STREAM = chunked_head() + chunk(ROLE) + chunk(event("Sun.")) + chunk(STOP) + chunk(DONE) + LAST
POLICY = RetryPolicy(
    back_off_base_s=0.005,
    back_off_max_s=0.01,
    idle_timeout_s=0.15,
    first_token_timeout_s=0.1,
    min_bytes_per_second=500,
    throughput_window_s=0.1,
    max_retry_after_s=1.0,
    hedge_after_s=0.03,
    budget_percent=100.0,
    min_retry_concurrency=100,
)
KINDS = (
    *("well",) * 6,
    *("late",) * 30,
    *("down", "limited", "refused", "bad request", "cut", "cut within", "closed within"),
    *("silent", "silent after a role", "slow", "garbage", "error inside", "no end"),
)
CLIENTS = 20
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")


def provider(random: Random) -> Script:
    async def script(received: Received) -> AsyncIterator[Step]:
        whole = STREAM if b'"stream":true' in received.body else json_answer()
        match random.choice(KINDS):
            case "well":
                yield whole
            case "late":
                await asyncio.sleep(random.random() * 0.08)
                yield whole
            case "down":
                yield json_answer(b"{}", "503 Down")
            case "limited":
                after = random.choice((b"", b"retry-after-ms: 20\r\n", b"retry-after: 50\r\n"))
                yield json_answer(b"{}", "429 Slow", after)
            case "refused":
                yield json_answer(b"{}", "401 No")
            case "bad request":
                yield json_answer(b'{"error":{"message":"bad"}}', "400 Bad")
            case "cut":
                yield Cut()
            case "cut within":
                yield whole[: random.randrange(1, len(whole))]
                yield Cut()
            case "closed within":
                yield whole[: len(whole) // 2]
                yield Close()
            case "silent":
                await asyncio.Event().wait()
            case "silent after a role":
                yield chunked_head() + chunk(ROLE)
                await asyncio.Event().wait()
            case "slow":
                for at in range(0, len(whole), 40):
                    yield whole[at : at + 40]
                    await asyncio.sleep(0.01)
            case "garbage":
                yield b"\0\1nonsense\r\n\r\n"
            case "error inside":
                yield chunked_head() + chunk(b'data: {"error":{"code":503}}\n\n') + LAST
            case "no end":
                yield chunked_head() + chunk(event("Sun.")) + LAST
            case kind:
                raise AssertionError(kind)

    return script


def question(random: Random) -> tuple[bytes, str, bool]:
    """A request, its path, and whether it is streamed."""
    path, stream = random.choice(PATHS), random.random() < 0.6
    words = b"hi " * (100_000 if random.random() < 0.1 else 1)  # some are translated in a thread
    said = b'[{"role":"user","content":"%b"}]' % words
    if path == PATHS[2]:
        body = b'{"model":"gpt","store":false,"max_output_tokens":50,"input":%b' % said
    else:
        body = b'{"model":"gpt","max_tokens":50,"messages":%b' % said
    return post(body + (b',"stream":true}' if stream else b"}"), path=path), path, stream


def ends_as_it_should(reply: Reply, path: str) -> bool:
    """Whether a whole stream has the end of its protocol."""
    end = {PATHS[0]: b"[DONE]", PATHS[1]: b"message_stop", PATHS[2]: b"response.completed"}[path]
    return end in reply.body


async def client(gate: Gateway, random: Random, seen: Counter[str]) -> None:
    for _ in range(8):
        async with connected(gate.port) as connection:
            for _ in range(4):
                asked, path, stream = question(random)
                connection.send(asked)
                seen["asked"] += 1
                if random.random() < 0.1:
                    await asyncio.sleep(random.random() * 0.1)
                    break
                reply = await connection.reply(10)
                seen[f"{reply.status} {reply.detail}"] += 1
                assert reply.detail != "internal"
                if not reply.whole:
                    break
                if reply.status == 200 and stream:
                    assert ends_as_it_should(reply, path)


def in_use() -> list[UpstreamConnection]:
    """Open connections that are not kept for the next request."""
    found = [one for one in gc.get_objects() if isinstance(one, UpstreamConnection)]
    return [one for one in found if not one.closed and one not in one.pool.free]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_fails_nothing_is_left(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    random = Random(seed)
    seen: Counter[str] = Counter()
    async with (
        upstream(provider(random)) as first,
        upstream(provider(random)) as second,
        upstream(provider(random)) as other,
    ):
        config = model_config(first.endpoint, second.endpoint, timeout_s=1.5)
        config = with_fallback(config, other.endpoint, retry=POLICY)
        async with gateway(config) as gate:
            callers = [client(gate, Random(seed * 1000 + at), seen) for at in range(CLIENTS)]
            await asyncio.gather(*callers)
            await until(lambda: len(gate.records) == seen["asked"])
            for name in "cd":
                standing = gate.services.standings.of(name)
                assert sum(load.active for load in standing.loads) == 0
                assert (standing.waiting, standing.retries.running) == (0, 0)
            await until(lambda: in_use() == [])
            assert seen["200 "] > seen["asked"] / 2
            assert sum(gate.metric("outrider_hedges_total").values()) > 10
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    # (what asyncio says of futures is about the fake providers' own connections)
    assert [told for told in errors if not told.startswith("Future exception")] == []
