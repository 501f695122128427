"""What users of gateways report, beyond the sixteen faults: each here, in every protocol.

In-band errors taken for content; a 429 in mid-stream that spins a core; a fallback that fails too
and leaves status 200; answers paid for twice; a client that is gone and a provider that goes on; an
error in another API's words.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard, Kind
from tests.faults.play import HEADERS, PATHS, ask, request
from tests.faults.scenarios import PROTOCOLS
from tests.faults.wall import Attempt, Wall, running_wall
from tests.faults.words import TOKENS
from tests.support.planes import planes
from tests.support.raw_client import RawClient, connected, post
from tests.support.wait import until


def _param(*protocols: Protocol) -> ParameterSet:
    """Chat alone is for `make test`: each of these starts both planes."""
    marks = () if {*protocols} == {Protocol.CHAT} else (pytest.mark.slow,)
    return pytest.param(*protocols, id="-to-".join(one.value for one in protocols), marks=marks)


BY_PROTOCOL = pytest.mark.parametrize("protocol", [_param(one) for one in PROTOCOLS])
OWN_AND_OTHER = pytest.mark.parametrize(
    ("client", "provider"),
    [
        _param(client, provider)
        for client, other in zip(PROTOCOLS, (*PROTOCOLS[1:], PROTOCOLS[0]), strict=True)
        for provider in (client, other)
    ],
)
HOW = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
AT_ONCE_S = 2.0
UNAVAILABLE = (502, 503, 504, 529)


@dataclass(slots=True)
class House:
    """A gateway in front of a wall; `x` is the alias of all models, in their order."""

    port: int
    wall: Wall
    log: Path

    async def asked(self, client: Protocol, model: str = "x", *, stream: bool = True) -> Heard:
        """What a client gets."""
        return (await ask(self.port, client, model, 15.0, stream=stream)).heard()

    @asynccontextmanager
    async def asking(self, client: Protocol, *, stream: bool = True) -> AsyncIterator[RawClient]:
        """A client that has asked and can leave."""
        async with connected(self.port) as talk:
            body = json.dumps(request(client, "x", stream=stream)).encode()
            talk.send(post(body, path=PATHS[client], headers=HEADERS))
            yield talk

    async def left(self, attempt: Attempt) -> None:
        """Wait until the gateway has left the provider."""
        await until(lambda: bool(attempt.ended), AT_ONCE_S)
        assert attempt.ended == "left"


@asynccontextmanager
async def house(
    directory: Path,
    models: Sequence[str],
    provider: Protocol,
    retry: str = "num_retries: 1, idle_timeout: 800ms",
    port: int | None = None,
) -> AsyncIterator[House]:
    async with running_wall(token_s=0) as wall:
        providers = "".join(
            f'  - {{model: wall/{model}, base_url: "http://127.0.0.1:{port or wall.port}/v1",'
            f" apis: [{provider.value}]}}\n"
            for model in models
        )
        targets = ", ".join(f"wall/{model}" for model in models)
        config = (
            "version: v0.4.0\nlisteners:\n"
            "  - {type: model, name: models, address: 127.0.0.1, port: 0, timeout: 20s}\n"
            f"defaults: {{retry: {{{retry}, back_off: {{base_interval: 1ms}}}}}}\n"
            f"model_providers:\n{providers}model_aliases: {{x: {{targets: [{targets}]}}}}\n"
        )
        async with planes(config, directory) as made:
            at = int(made.url("models").rpartition(":")[2])
            yield House(at, wall, directory / "access.log")
        assert wall.wrong == []


# -- an error within status 200


@OWN_AND_OTHER
async def test_error_inside_a_stream_that_has_said_nothing_fails_over(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    async with house(tmp_path, ["fails-inside.a", "healthy.b"], provider) as at:
        got = await at.asked(client)
        assert (got.kind, got.model) == (Kind.WHOLE, "healthy.b"), str(got)


@OWN_AND_OTHER
async def test_error_inside_a_stream_that_has_said_nothing_gets_a_status_of_its_own(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    async with house(tmp_path, ["fails-inside.a"], provider) as at:
        got = await at.asked(client)
        assert got.kind is Kind.ERROR, str(got)
        assert got.status in UNAVAILABLE
        assert "The wall has broken down." in got.error


@pytest.mark.slow
@OWN_AND_OTHER
async def test_error_inside_a_stream_is_never_an_answer_and_spins_nothing(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    models = ["limited-inside.a"]
    retry = "num_retries: 1, idle_timeout: 3s, stream_recovery: error"
    async with house(tmp_path, models, provider, retry) as at:
        async with at.asking(client) as talk:
            await talk.reader.readuntil(TOKENS[19].encode())
            before = time.process_time()
            await asyncio.sleep(0.5)  # what is measured is what happens while nothing does
            assert time.process_time() - before < 0.3
        got = await at.asked(client)
        assert got.kind is Kind.ERROR, str(got)
        assert not got.finished
        assert len(at.wall.attempts) == 2, "a stream that has begun is not begun again"


@BY_PROTOCOL
async def test_event_that_is_left_out_is_told_where_it_was(
    protocol: Protocol, tmp_path: Path
) -> None:
    async with house(tmp_path, ["s10.a"], protocol) as at:
        got = await at.asked(protocol)
        assert got.kind is Kind.WHOLE, str(got)
        assert b"}\n\n: outrider left out an event that was not JSON\n\n" in got.body


# -- a fallback that fails too


@HOW
@pytest.mark.parametrize("fault", ["down", "fails-inside", "s05", "silent"])
@BY_PROTOCOL
async def test_when_all_fail_the_status_is_no_200(
    protocol: Protocol, fault: str, stream: bool, tmp_path: Path
) -> None:
    models = [f"{fault}.a", f"{fault}.b"]
    patience = "700ms" if fault == "silent" else "10s"
    retry = f"num_retries: 0, idle_timeout: {patience}, per_try_timeout: {patience}"
    if not stream and fault == "fails-inside":
        pytest.skip("an error of a whole answer has a status")
    async with house(tmp_path, models, protocol, retry) as at:
        got = await at.asked(protocol, stream=stream)
        assert got.kind is Kind.ERROR, str(got)
        assert got.status in UNAVAILABLE, str(got)
        assert [one.model for one in at.wall.attempts] == models


# -- paid for once


@BY_PROTOCOL
async def test_answer_that_has_begun_is_not_asked_for_again(
    protocol: Protocol, tmp_path: Path
) -> None:
    retry = "num_retries: 2, idle_timeout: 1s, stream_recovery: error"
    async with house(tmp_path, ["s08.a", "healthy.b"], protocol, retry) as at:
        got = await at.asked(protocol)
        assert got.kind is Kind.ERROR, str(got)
        assert [one.model for one in at.wall.attempts] == ["s08.a"]


@OWN_AND_OTHER
async def test_recovery_asks_for_what_is_missing_or_once_more_and_tells(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    async with house(tmp_path, ["s08.a", "healthy.b"], provider) as at:
        got = await at.asked(client)
        assert got.kind is Kind.WHOLE, str(got)
        assert [one.model for one in at.wall.attempts] == ["s08.a", "healthy.b"]
        assert b"\n: outrider recovered by=" in got.body


# -- a client that leaves


@HOW
@OWN_AND_OTHER
async def test_client_that_leaves_before_the_head_stops_the_provider(
    client: Protocol, provider: Protocol, stream: bool, tmp_path: Path
) -> None:
    retry = "num_retries: 0, idle_timeout: 60s"
    async with house(tmp_path, ["silent.a", "healthy.b"], provider, retry) as at:
        async with at.asking(client, stream=stream):
            await until(lambda: len(at.wall.attempts) == 1)
        await at.left(at.wall.attempts[0])
        await until(lambda: '"detail":"downstream_gone"' in at.log.read_text())
        assert len(at.wall.attempts) == 1


@OWN_AND_OTHER
async def test_client_that_leaves_before_the_first_token_stops_the_provider(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    retry = "num_retries: 0, idle_timeout: 60s"
    async with house(tmp_path, ["late.a", "healthy.b"], provider, retry) as at:
        async with at.asking(client):
            await until(lambda: any(one.status for one in at.wall.attempts))
        await at.left(at.wall.attempts[0])
        assert len(at.wall.attempts) == 1


@HOW
@OWN_AND_OTHER
async def test_client_that_leaves_in_the_middle_stops_the_provider(
    client: Protocol, provider: Protocol, stream: bool, tmp_path: Path
) -> None:
    retry = "num_retries: 0, idle_timeout: 60s"
    async with house(tmp_path, ["waits.a", "healthy.b"], provider, retry) as at:
        async with at.asking(client, stream=stream) as talk:
            if stream:
                await talk.reader.readuntil(TOKENS[19].encode())
            else:
                await until(lambda: any(one.status for one in at.wall.attempts))
        await at.left(at.wall.attempts[0])
        assert len(at.wall.attempts) == 1


@pytest.mark.slow
@BY_PROTOCOL
async def test_client_that_leaves_during_a_wait_is_not_asked_for(
    protocol: Protocol, tmp_path: Path
) -> None:
    async with house(tmp_path, ["s01.a"], protocol) as at:
        async with at.asking(protocol):
            await until(lambda: any(one.ended for one in at.wall.attempts))
        await until(lambda: '"detail":"downstream_gone"' in at.log.read_text())
        await asyncio.sleep(2.2)  # its Retry-After is 2 s; nothing may come of it
        assert len(at.wall.attempts) == 1


# -- an error in the client's own words


@HOW
@pytest.mark.parametrize("fault", ["down", "s12", "s13", "s05", "silent", "s08"])
@OWN_AND_OTHER
async def test_errors_are_told_in_the_clients_own_api(
    client: Protocol, provider: Protocol, fault: str, stream: bool, tmp_path: Path
) -> None:
    retry = "num_retries: 0, idle_timeout: 300ms, per_try_timeout: 300ms"
    if fault == "s08" and not stream:
        pytest.skip("it is a stream that dies")
    async with house(tmp_path, [f"{fault}.a"], provider, retry) as at:
        got = await at.asked(client, stream=stream)
        assert got.kind is Kind.ERROR, str(got)
        assert got.problems == []


@BY_PROTOCOL
async def test_model_that_is_not_there_is_told_in_the_clients_own_api(
    protocol: Protocol, tmp_path: Path
) -> None:
    async with house(tmp_path, ["healthy.a"], protocol) as at:
        got = await at.asked(protocol, "nobody")
        assert (got.kind, got.status) == (Kind.ERROR, 404), str(got)
        assert not at.wall.attempts
