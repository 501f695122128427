"""A stream that breaks after the client has a part of it: gone on with, or told; never a success
that is cut short.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.hub.parts import Text
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
from dataplane.runtime.dialect import Dialect, Prefill
from dataplane.runtime.protocols import GENERATION_OF, Protocol
from dataplane.runtime.retry import Recovery, RetryPolicy
from tests.support.gateway import Gateway, gateway
from tests.support.raw_client import Reply, connected, post
from tests.support.spoken import SPOKEN
from tests.support.telling import (
    IN_BAND,
    PROMPT_TOKENS,
    SSE,
    TEXT,
    WORDS,
    Ending,
    Stall,
    prefill_of,
    refusing_prefill,
    taking_prefill,
    telling,
    told,
)
from tests.support.upstream import (
    Close,
    Cut,
    FakeUpstream,
    Received,
    Script,
    Step,
    chunk,
    chunked_head,
    in_turn,
    upstream,
)
from tests.support.wait import until

CLIENTS = [pytest.param(protocol, id=protocol.value) for protocol in SSE]
FAST = RetryPolicy(
    back_off_base_s=0.001, back_off_max_s=0.001, idle_timeout_s=10.0, stream_recovery=Recovery.ERROR
)
IDLE_S = 0.3
SILENT_SOON = replace(FAST, idle_timeout_s=IDLE_S)


def house(
    *served: tuple[FakeUpstream, Protocol],
    policy: RetryPolicy = FAST,
    timeout_s: float = 20.0,
    prefill: bool = False,
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
            dialect=Dialect(prefill=Prefill.PLAIN if prefill and number else Prefill.NONE),
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
        gateway(house((fake, client), policy=SILENT_SOON)) as gate,
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


RESUME = replace(FAST, stream_recovery=Recovery.RESUME)
PAIRS = [
    pytest.param(client, other, id=f"{client.value}-then-{other.value}")
    for client in SSE
    for other in SSE
]


def text_of(whole: Whole) -> str:
    answer = whole.answer()
    assert answer is not None, whole.failure
    return "".join(part.text for part in answer.choices[0].parts if isinstance(part, Text))


def recoveries(gate: Gateway) -> dict[tuple[str, ...], float]:
    (family,) = [
        one
        for one in gate.services.metrics.families()
        if one.name == "outrider_stream_recoveries_total"
    ]
    return {key: value for key, value in family.samples.items() if isinstance(value, float)}


@pytest.mark.parametrize(("client", "other"), PAIRS)
async def test_answer_that_repeats_what_was_delivered_is_gone_on_with(
    client: Protocol, other: Protocol
) -> None:
    async with (
        upstream(telling(client, stop_at=8, ending=Cut())) as first,
        upstream(telling(other, mark="b")) as second,
        gateway(house((first, client), (second, other), policy=RESUME)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert reply.whole
        whole = read(client, reply)
        assert text_of(whole) == TEXT
        assert len(second.requests) == 1
        if client is not Protocol.GEMINI:
            assert b": outrider recovered by=resume after=" in reply.body
            assert b" provider=house/1 model=m-1\n\n" in reply.body
        record = gate.records[0]
        assert (record.status, record.detail, record.attempts) == (200, "via_upstream", 2)
        assert (record.provider, record.recovery) == ("house/1", "resume")
        assert record.failures == ("house/0: connection",)
        assert record.wasted_tokens > len(WORDS) // 2
        assert (record.input_tokens, record.output_tokens) == (PROMPT_TOKENS, len(WORDS))
        assert recoveries(gate) == {("resume", "recovered"): 1.0}


CONTINUE = replace(FAST, stream_recovery=Recovery.CONTINUE)


@pytest.mark.parametrize(("client", "other"), PAIRS)
async def test_model_that_takes_a_beginning_goes_on_from_what_was_delivered(
    client: Protocol, other: Protocol
) -> None:
    async with (
        upstream(telling(client, stop_at=8, ending=Cut())) as first,
        upstream(taking_prefill(other)) as second,
        gateway(house((first, client), (second, other), policy=CONTINUE, prefill=True)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert reply.whole
        assert text_of(read(client, reply)) == TEXT
        (request,) = second.requests
        assert prefill_of(other, request) == "".join(WORDS[:8]).rstrip()
        if client is not Protocol.GEMINI:
            assert b": outrider recovered by=continue " in reply.body
        assert gate.records[0].recovery == "continue"
        assert recoveries(gate) == {("continue", "recovered"): 1.0}


@pytest.mark.parametrize("client", CLIENTS)
async def test_refusal_of_a_beginning_never_reaches_the_client(client: Protocol) -> None:
    script = refusing_prefill(client, telling(client, mark="b"))
    async with (
        upstream(telling(client, stop_at=8, ending=Cut())) as first,
        upstream(script) as second,
        gateway(house((first, client), (second, client), policy=CONTINUE, prefill=True)) as gate,
        connected(gate.port) as talk,
    ):
        for attempts in (2, 1):  # it is remembered that the model takes none
            talk.send(ask(client))
            reply = await talk.reply()
            assert text_of(read(client, reply)) == TEXT
            assert b"prefill" not in reply.body
            assert len(second.requests) == attempts
            second.requests.clear()
        assert recoveries(gate) == {
            ("continue", "refused"): 1.0,
            ("resume", "recovered"): 2.0,
        }


@pytest.mark.parametrize("client", CLIENTS)
async def test_answers_that_differ_are_the_end_and_the_client_is_told(client: Protocol) -> None:
    other = telling(client, [f"other{number} " for number in range(20)], "b")
    async with (
        upstream(in_turn(telling(client, stop_at=8, ending=Cut()), other)) as first,
        upstream(other) as second,
        gateway(house((first, client), (second, client), policy=RESUME)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert not ends_well(client, reply)
        whole = read(client, reply)
        assert whole.failure is not None
        assert b"other" not in reply.body
        assert (len(first.requests), len(second.requests)) == (2, 1)
        record = gate.records[0]
        assert (record.detail, record.recovery) == ("upstream_truncated", "error")
        assert record.output_tokens > 0
        assert recoveries(gate) == {("resume", "differed"): 2.0, ("error", "told"): 1.0}


@pytest.mark.parametrize("client", CLIENTS)
async def test_error_within_a_stream_is_recovered_from_like_a_cut(client: Protocol) -> None:
    async with (
        upstream(telling(client, stop_at=8, ending=IN_BAND[client])) as first,
        upstream(telling(client, mark="b")) as second,
        gateway(house((first, client), (second, client), policy=RESUME)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert text_of(read(client, reply)) == TEXT
        assert b"Engine lost" not in reply.body


@pytest.mark.parametrize(("client", "other"), PAIRS)
async def test_translated_stream_that_breaks_is_gone_on_with_by_the_same_writer(
    client: Protocol, other: Protocol
) -> None:
    async with (
        upstream(telling(other, stop_at=8, ending=Cut())) as first,
        upstream(telling(client, mark="b")) as second,
        gateway(house((first, other), (second, client), policy=RESUME)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client))
        reply = await talk.reply()
        assert reply.whole
        assert text_of(read(client, reply)) == TEXT
        assert gate.records[0].recovery == "resume"


async def test_silent_stream_is_noticed_and_its_provider_is_not_asked_again() -> None:
    resume_soon = replace(RESUME, idle_timeout_s=IDLE_S)
    async with (
        upstream(telling(Protocol.CHAT, stop_at=8, ending=Stall())) as first,
        gateway(house((first, Protocol.CHAT), policy=resume_soon)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(Protocol.CHAT))
        reply = await talk.reply()
        assert not ends_well(Protocol.CHAT, reply)
        assert len(first.requests) == 1
        assert gate.records[0].detail == "upstream_silent"


async def test_only_provider_is_asked_again_when_its_stream_was_cut() -> None:
    script = in_turn(
        telling(Protocol.MESSAGES, stop_at=8, ending=Cut()), telling(Protocol.MESSAGES, mark="b")
    )
    async with (
        upstream(script) as first,
        gateway(house((first, Protocol.MESSAGES), policy=RESUME)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(Protocol.MESSAGES))
        reply = await talk.reply()
        assert text_of(read(Protocol.MESSAGES, reply)) == TEXT
        assert reply.body.count(b'"type": "message_start"') == 1


async def test_stream_that_breaks_again_is_gone_on_with_again() -> None:
    chat = Protocol.CHAT
    async with (
        upstream(telling(chat, stop_at=5, ending=Cut())) as first,
        upstream(telling(chat, mark="b", stop_at=11, ending=Cut())) as second,
        upstream(telling(chat, mark="c")) as third,
        gateway(house((first, chat), (second, chat), (third, chat), policy=RESUME)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(chat))
        reply = await talk.reply()
        assert text_of(read(chat, reply)) == TEXT
        assert reply.body.count(b": outrider recovered by=resume") == 2
        record = gate.records[0]
        assert (record.attempts, record.provider) == (3, "house/2")
        assert recoveries(gate) == {("resume", "broke"): 1.0, ("resume", "recovered"): 1.0}


async def test_deadline_holds_while_somebody_goes_on() -> None:
    chat = Protocol.CHAT
    patient = replace(RESUME, idle_timeout_s=0.0)
    async with (
        upstream(telling(chat, stop_at=5, ending=Cut())) as first,
        upstream(telling(chat, stop_at=2, ending=Stall())) as second,
        gateway(house((first, chat), (second, chat), policy=patient, timeout_s=1.0)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(chat))
        reply = await talk.reply()
        assert not ends_well(chat, reply)
        assert b"deadline_exceeded" in reply.body
        await until(lambda: second.open == 0)
        assert gate.records[0].detail == "deadline_exceeded"


async def test_client_that_leaves_stops_whoever_goes_on() -> None:
    chat = Protocol.CHAT
    async with (
        upstream(telling(chat, stop_at=5, ending=Cut())) as first,
        upstream(telling(chat, stop_at=9, ending=Stall())) as second,
        gateway(house((first, chat), (second, chat), policy=RESUME)) as gate,
    ):
        async with connected(gate.port) as talk:
            talk.send(ask(chat))
            await talk.reader.readuntil(b"word8 ")
        await until(lambda: second.open == 0)
        await until(lambda: bool(gate.records))
        assert gate.records[0].detail == "downstream_gone"


async def test_policy_of_errors_keeps_nothing_and_asks_nobody() -> None:
    chat = Protocol.CHAT
    async with (
        upstream(telling(chat, stop_at=5, ending=Cut())) as first,
        upstream(telling(chat)) as second,
        gateway(house((first, chat), (second, chat))) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(chat))
        reply = await talk.reply()
        assert not ends_well(chat, reply)
        assert second.requests == []
        assert recoveries(gate) == {("error", "told"): 1.0}


HOLD = b"x-outrider-stream: hold\r\n"


@pytest.mark.parametrize(("client", "other"), PAIRS)
async def test_stream_that_is_held_is_whole_and_from_one_provider(
    client: Protocol, other: Protocol
) -> None:
    async with (
        upstream(telling(other, stop_at=8, ending=Cut())) as first,
        upstream(telling(client, mark="b")) as second,
        gateway(house((first, other), (second, client))) as gate,
        connected(gate.port) as talk,
    ):
        first.script = in_turn(first.script, first.script, first.script)
        talk.send(ask(client, HOLD))
        reply = await talk.reply()
        assert reply.whole
        assert reply.body == b"".join(told(client, WORDS, "b"))
        record = gate.records[0]
        assert (record.provider, record.recovery, record.attempts) == ("house/1", "", 4)
        assert b"x-outrider" not in b"".join(name for name, _ in second.requests[0].headers)


@pytest.mark.parametrize("client", CLIENTS)
async def test_stream_that_is_held_can_still_be_an_error_with_its_status(client: Protocol) -> None:
    async with (
        upstream(telling(client, stop_at=8, ending=IN_BAND[client])) as first,
        gateway(house((first, client), policy=replace(FAST, num_retries=0))) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client, HOLD))
        reply = await talk.reply()
        assert reply.status >= 500
        assert b"Engine lost." in reply.body
        assert b"word" not in reply.body


@pytest.mark.parametrize("other", CLIENTS)
async def test_translated_stream_that_is_held_comes_whole(other: Protocol) -> None:
    client = Protocol.CHAT if other is not Protocol.CHAT else Protocol.MESSAGES
    async with (
        upstream(telling(other)) as fake,
        gateway(house((fake, other))) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(client, HOLD))
        reply = await talk.reply()
        assert text_of(read(client, reply)) == TEXT
        assert gate.records[0].attempts == 1


async def test_held_stream_that_is_left_open_is_passed_on_when_it_is_whole() -> None:
    chat = Protocol.CHAT

    async def left_open(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        yield chunk(b"".join(told(chat, WORDS)[:-1]))
        await asyncio.sleep(3600)

    async with (
        upstream(left_open) as fake,
        gateway(house((fake, chat))) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(chat, HOLD))
        reply = await talk.reply()
        assert text_of(read(chat, reply)) == TEXT
        assert reply.body.endswith(b"data: [DONE]\n\n")
        assert gate.records[0].attempts == 1


async def test_held_stream_that_goes_silent_is_tried_elsewhere() -> None:
    chat = Protocol.CHAT
    async with (
        upstream(telling(chat, stop_at=8, ending=Stall())) as first,
        upstream(telling(chat, mark="b")) as second,
        gateway(house((first, chat), (second, chat), policy=SILENT_SOON)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(chat, HOLD))
        reply = await talk.reply()
        assert reply.body == b"".join(told(chat, WORDS, "b"))
        assert gate.records[0].failures == ("house/0: silent",)


async def test_our_own_standing_still_is_no_silence_of_the_provider() -> None:
    chat = Protocol.CHAT

    async def script(received: Received) -> AsyncIterator[Step]:
        begun, *rest = told(chat, WORDS)
        yield chunked_head()
        for event in (begun, *rest[:8]):
            yield chunk(event)
        await asyncio.sleep(0.02)  # so that these are read
        time.sleep(2 * IDLE_S)  # noqa: ASYNC251 - nobody in this process hears anything
        await asyncio.sleep(0.005)
        for event in rest[8:]:
            yield chunk(event)
        yield b"0\r\n\r\n"

    async with (
        upstream(script) as fake,
        gateway(house((fake, chat), policy=SILENT_SOON)) as gate,
        connected(gate.port) as talk,
    ):
        talk.send(ask(chat))
        reply = await talk.reply()
        assert text_of(read(chat, reply)) == TEXT
        assert gate.records[0].detail == "via_upstream"


def _without(script: Script, event: bytes) -> Script:
    async def told(received: Received) -> AsyncIterator[Step]:
        async for step in script(received):
            if not (isinstance(step, bytes) and event in step):
                yield step

    return told
