"""A stream that breaks after the client has a part of it: gone on with, or told; never a success
that is cut short.
"""

from collections.abc import AsyncIterator

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.hub.whole import Whole
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.config import (
    Api,
    Cluster,
    Limits,
    Listener,
    ListenerKind,
    ModelProvider,
    ModelTarget,
    Route,
    RuntimeConfig,
    Secret,
)
from dataplane.runtime.protocols import GENERATION_OF, Protocol
from dataplane.runtime.retry import Recovery, RetryPolicy
from tests.support.gateway import gateway
from tests.support.raw_client import Reply, connected, post
from tests.support.spoken import SPOKEN
from tests.support.telling import IN_BAND, SSE, WORDS, Ending, Stall, telling
from tests.support.upstream import Close, Cut, FakeUpstream, Received, Script, Step, upstream

CLIENTS = [pytest.param(protocol, id=protocol.value) for protocol in SSE]
FAST = RetryPolicy(
    back_off_base_s=0.001, back_off_max_s=0.001, idle_timeout_s=0.3, stream_recovery=Recovery.ERROR
)


def house(
    *served: tuple[FakeUpstream, Protocol], policy: RetryPolicy = FAST, timeout_s: float = 20.0
) -> RuntimeConfig:
    """One model, `nick`, that each of these providers serves, in their order."""
    providers, clusters = {}, {}
    for number, (fake, protocol) in enumerate(served):
        spoken = SPOKEN[protocol]
        name = f"house/{number}"
        clusters[name] = Cluster(name, (fake.endpoint,))
        providers[name] = ModelProvider(
            name,
            "house",
            f"m-{number}",
            name,
            (
                Api(
                    GENERATION_OF[protocol],
                    spoken.upstream_path.replace("m-1", "{model}"),
                    spoken.upstream_stream_path.replace("m-1", "{model}"),
                ),
            ),
            (Secret("sk-house"),),
        )
    target = ModelTarget(tuple(providers))
    route = Route("m/nick", "m", target, ("nick",), False, "house/0", retry=policy)
    listener = Listener(
        "m",
        ListenerKind.MODEL,
        "127.0.0.1",
        0,
        timeout_s,
        Limits(),
        routes=(route,),
        by_model={"nick": route},
    )
    return RuntimeConfig("1", {"m": listener}, clusters, providers)


def ask(client: Protocol, headers: bytes = b"") -> bytes:
    spoken = SPOKEN[client]
    return post(spoken.body(stream=True), path=spoken.stream_path, headers=headers)


def read(client: Protocol, reply: Reply) -> Whole:
    """What a client of this API makes of its stream."""
    reader = CODECS[client].stream_reader()
    whole = Whole()
    whole.feed(reader.feed(reply.body))
    whole.feed(reader.finish())
    return whole


def ends_well(client: Protocol, reply: Reply) -> bool:
    """Whether anything in a stream says that it is whole."""
    words = {
        Protocol.CHAT: (b"[DONE]", b'"finish_reason":"', b'"finish_reason": "'),
        Protocol.MESSAGES: (b"message_stop", b'"stop_reason":"', b'"stop_reason": "'),
        Protocol.RESPONSES: (b"response.completed", b"response.incomplete"),
        Protocol.GEMINI: (b'"finishReason"',),
    }
    return reply.whole or any(word in reply.body for word in words[client])


BREAKS = [
    pytest.param(Close(), "upstream_truncated", id="closed"),
    pytest.param(Cut(), "upstream_truncated", id="reset"),
    pytest.param(b"", "upstream_truncated", id="ended"),
    pytest.param(Stall(), "upstream_silent", id="stalled"),
]


@pytest.mark.parametrize(("ending", "detail"), BREAKS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_client_is_told_in_its_own_words_that_there_is_no_end(
    client: Protocol, ending: Ending, detail: str
) -> None:
    async with (
        upstream(telling(client, stop_at=8, ending=ending)) as fake,
        gateway(house((fake, client))) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert reply.status == 200
        assert not ends_well(client, reply)
        failure = read(client, reply).failure
        assert isinstance(failure, Failure)
        assert failure.message.startswith("The upstream failed: ")
        assert (gate.records[0].detail, gate.records[0].attempts) == (detail, 1)


@pytest.mark.parametrize("client", CLIENTS)
async def test_error_that_a_provider_tells_within_its_stream_reaches_the_client_and_no_end_does(
    client: Protocol,
) -> None:
    async with (
        upstream(telling(client, stop_at=8, ending=IN_BAND[client])) as fake,
        gateway(house((fake, client))) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert not ends_well(client, reply)
        failure = read(client, reply).failure
        assert failure is not None
        assert failure.message == "Engine lost."
        assert gate.records[0].detail == "upstream_error"


@pytest.mark.parametrize("client", CLIENTS)
async def test_stream_that_lacks_only_its_last_word_is_finished_for_it(client: Protocol) -> None:
    missing = {Protocol.CHAT: b"data: [DONE]", Protocol.MESSAGES: b"event: message_stop"}
    if client not in missing:
        pytest.skip("its last event is no mere word")

    async with (
        upstream(telling(client)) as fake,
        gateway(house((fake, client))) as gate,
        connected(gate.port) as talk,
    ):
        script = fake.script
        fake.script = _without(script, missing[client])
        talk.send(ask(client))
        reply = await talk.reply()
        assert reply.whole
        assert missing[client] in reply.body
        assert read(client, reply).answer() is not None
        assert gate.records[0].output_tokens == len(WORDS)


def _without(script: Script, event: bytes) -> Script:
    async def told(received: Received) -> AsyncIterator[Step]:
        async for step in script(received):
            if not (isinstance(step, bytes) and event in step):
                yield step

    return told
