"""The wall is a good provider when it is well: what it sends is what the vendors' types say."""

import asyncio
import json
from typing import Any

import pytest

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard, Kind, heard
from tests.faults.play import request
from tests.faults.scenarios import PROTOCOLS, SCENARIOS
from tests.faults.wall import CUT_AFTER, FAULTS, STALL_AFTER, Wall, running_wall
from tests.faults.words import ANSWER, TOKENS
from tests.support.raw_client import Reply, connected, post

BY_PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.value)
PATHS = {
    Protocol.CHAT: "/v1/chat/completions",
    Protocol.MESSAGES: "/v1/messages",
    Protocol.RESPONSES: "/v1/responses",
}
VERSION = b"anthropic-version: 2023-06-01\r\n"


async def reply_of(wall: Wall, protocol: Protocol, body: dict[str, Any]) -> Reply:
    async with connected(wall.port) as client:
        data = json.dumps(body).encode()
        client.send(post(data, path=PATHS[protocol], headers=VERSION))
        return await client.reply()


async def asked(wall: Wall, protocol: Protocol, model: str, *, stream: bool = True) -> Heard:
    reply = await reply_of(wall, protocol, request(protocol, model, stream=stream))
    return heard(protocol, reply, 0.0, stream=stream)


def with_prefill(protocol: Protocol, model: str, prefill: str) -> dict[str, Any]:
    body = request(protocol, model)
    turns = body.pop("messages", None) or [{"role": "user", "content": body["input"]}]
    key = "input" if protocol is Protocol.RESPONSES else "messages"
    return body | {key: [*turns, {"role": "assistant", "content": prefill}]}


def test_answer_has_sixty_words() -> None:
    assert len(TOKENS) == 60
    assert "".join(TOKENS) == ANSWER


def test_every_scenario_has_its_fault() -> None:
    assert {one.name for one in SCENARIOS} | {one.fallback for one in SCENARIOS} <= FAULTS.keys()


@BY_PROTOCOL
@pytest.mark.parametrize("token_s", [0.0, 0.0001], ids=["at once", "token by token"])
async def test_healthy_stream_is_what_the_vendor_says(protocol: Protocol, token_s: float) -> None:
    async with running_wall(token_s=token_s) as wall:
        got = await asked(wall, protocol, "healthy.x")
        assert (got.kind, got.problems) == (Kind.WHOLE, [])
        assert (got.model, got.output_tokens) == ("healthy.x", 60)
        (attempt,) = wall.attempts
        assert (attempt.tokens, attempt.ended) == (60, "whole")
    assert wall.wrong == []


@BY_PROTOCOL
async def test_healthy_answer_is_what_the_vendor_says(protocol: Protocol) -> None:
    async with running_wall() as wall:
        got = await asked(wall, protocol, "healthy.x", stream=False)
        assert (got.kind, got.problems) == (Kind.WHOLE, [])
        assert (got.model, got.output_tokens) == ("healthy.x", 60)


@BY_PROTOCOL
async def test_once_is_once_for_each_model(protocol: Protocol) -> None:
    async with running_wall(token_s=0) as wall:
        kinds = [(await asked(wall, protocol, f"s03.{name}")).kind for name in "aab"]
        assert kinds == [Kind.ERROR, Kind.WHOLE, Kind.ERROR]
        assert [one.number for one in wall.of("s03.a")] == [1, 2]


@BY_PROTOCOL
async def test_stream_that_dies_is_no_answer(protocol: Protocol) -> None:
    async with running_wall(token_s=0) as wall:
        got = await asked(wall, protocol, "s08.x")
        assert (got.kind, got.text) == (Kind.CUT, "".join(TOKENS[:CUT_AFTER]))
        assert wall.attempts[0].ended == "closed"


@BY_PROTOCOL
async def test_tenth_event_is_not_json(protocol: Protocol) -> None:
    async with running_wall(token_s=0) as wall:
        got = await asked(wall, protocol, "s10.x")
        assert got.text == ANSWER
        events = [block for block in got.body.split(b"\n\n") if block]
        bad = [n for n, block in enumerate(events, 1) if not block.endswith((b"}", b"[DONE]"))]
        assert bad == [10]


@BY_PROTOCOL
async def test_prefill_is_continued_or_refused(protocol: Protocol) -> None:
    prefill = "".join(TOKENS[:STALL_AFTER])
    async with running_wall(token_s=0) as wall:
        reply = await reply_of(wall, protocol, with_prefill(protocol, "healthy.x", prefill))
        assert prefill + heard(protocol, reply, 0.0).text == ANSWER
        reply = await reply_of(wall, protocol, with_prefill(protocol, "no-prefill.x", prefill))
        assert reply.status == 400
        assert "prefill" in heard(protocol, reply, 0.0).error
        reply = await reply_of(wall, protocol, with_prefill(protocol, "healthy.x", "Once upon"))
        assert reply.status == 400
        assert wall.attempts[0].tokens == 60 - STALL_AFTER


@BY_PROTOCOL
async def test_client_that_leaves_is_seen(protocol: Protocol) -> None:
    async with running_wall(token_s=0) as wall:
        async with connected(wall.port) as client:
            body = json.dumps(request(protocol, "waits.x")).encode()
            client.send(post(body, path=PATHS[protocol], headers=VERSION))
            await client.reader.readuntil(TOKENS[STALL_AFTER - 1].encode())
        async with asyncio.timeout(5):
            while not wall.attempts[0].ended:  # noqa: ASYNC110 - the wall does not know of us
                await asyncio.sleep(0.005)
        assert wall.attempts[0].ended == "left"


@pytest.mark.parametrize("fault", ["s01", "s03", "s04", "s12", "s13"])
@BY_PROTOCOL
async def test_errors_are_what_the_vendor_says(protocol: Protocol, fault: str) -> None:
    async with running_wall() as wall:
        got = await asked(wall, protocol, f"{fault}.x")
        assert (got.kind, got.problems) == (Kind.ERROR, [])
