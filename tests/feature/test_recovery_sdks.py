"""The vendors' own SDKs read one message over the seam, or raise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from anthropic import APIStatusError, AsyncAnthropic
from google import genai
from google.genai import types
from openai import APIError, AsyncOpenAI

from dataplane.runtime.protocols import Protocol
from dataplane.runtime.retry import Recovery, RetryPolicy
from tests.feature.test_recovery import CONTINUE, FAST, RESUME, house
from tests.support.gateway import gateway
from tests.support.telling import (
    PROMPT_TOKENS,
    SSE,
    TEXT,
    WORDS,
    first_word,
    sse,
    taking_prefill,
    telling,
    told,
)
from tests.support.upstream import (
    Close,
    Cut,
    Received,
    Script,
    Step,
    chunk,
    chunked_head,
    upstream,
)

OTHERS = [pytest.param(protocol, id=protocol.value) for protocol in SSE]
WAYS = [pytest.param(RESUME, id="resume"), pytest.param(CONTINUE, id="continue")]


@asynccontextmanager
async def serving(
    client: Protocol, other: Protocol, policy: RetryPolicy, broken: Script | None = None
) -> AsyncIterator[str]:
    """A gateway whose first provider breaks; yields its URL."""
    is_given = policy.stream_recovery is Recovery.CONTINUE
    whole = taking_prefill(other) if is_given else telling(other, mark="b")
    async with (
        upstream(broken or telling(client, stop_at=8, ending=Cut())) as first,
        upstream(whole) as second,
        gateway(house((first, client), (second, other), policy=policy, prefill=True)) as gate,
    ):
        yield f"http://127.0.0.1:{gate.port}"


@pytest.mark.parametrize("policy", WAYS)
@pytest.mark.parametrize("other", OTHERS)
async def test_openai_accumulates_one_chat_completion(other: Protocol, policy: RetryPolicy) -> None:
    async with (
        serving(Protocol.CHAT, other, policy) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as sdk,
        sdk.chat.completions.stream(
            model="nick",
            messages=[{"role": "user", "content": "Weather?"}],
            stream_options={"include_usage": True},
        ) as stream,
    ):
        final = await stream.get_final_completion()
        assert (final.id, final.model) == ("chatcmpl-a", "model-a")
        (choice,) = final.choices
        assert (choice.message.content, choice.finish_reason) == (TEXT, "stop")
        assert final.usage is not None
        assert final.usage.prompt_tokens + final.usage.completion_tokens > PROMPT_TOKENS


@pytest.mark.parametrize("policy", WAYS)
@pytest.mark.parametrize("other", OTHERS)
async def test_anthropic_accumulates_one_message(other: Protocol, policy: RetryPolicy) -> None:
    async with (
        serving(Protocol.MESSAGES, other, policy) as url,
        AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as sdk,
        sdk.messages.stream(
            model="nick", max_tokens=99, messages=[{"role": "user", "content": "Weather?"}]
        ) as stream,
    ):
        final = await stream.get_final_message()
        assert (final.id, final.model) == ("msg_a", "model-a")
        (block,) = final.content
        assert block.type == "text"
        assert (block.text, final.stop_reason) == (TEXT, "end_turn")
        assert final.usage.output_tokens >= len(WORDS) // 2


@pytest.mark.parametrize("policy", WAYS)
@pytest.mark.parametrize("other", OTHERS)
async def test_openai_accumulates_one_response(other: Protocol, policy: RetryPolicy) -> None:
    async with (
        serving(Protocol.RESPONSES, other, policy) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as sdk,
        sdk.responses.stream(model="nick", input="Weather?", store=False) as stream,
    ):
        numbers = [event.sequence_number async for event in stream]
        final = await stream.get_final_response()
        assert (final.id, final.model, final.status) == ("resp_a", "model-a", "completed")
        assert final.output_text == TEXT
        assert [getattr(item, "id", "") for item in final.output] == ["msg_a"]
        assert numbers == sorted(numbers)
        assert len(numbers) == len({*numbers})


@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
@pytest.mark.parametrize("policy", WAYS)
@pytest.mark.parametrize("other", OTHERS)
async def test_google_reads_all_words_and_no_comment(other: Protocol, policy: RetryPolicy) -> None:
    async with serving(Protocol.GEMINI, other, policy) as url:
        options = types.HttpOptions(base_url=url)
        async with genai.Client(api_key="k", http_options=options).aio as sdk:
            stream = await sdk.models.generate_content_stream(model="nick", contents="Weather?")
            chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == TEXT
    assert {chunk.response_id for chunk in chunks} == {"resp-a"}
    last = (chunks[-1].candidates or [])[0]
    assert last.finish_reason is types.FinishReason.STOP


def chat_calls(mark: str) -> list[bytes]:
    """Two calls, each in two pieces of arguments."""
    head = {"id": f"chatcmpl-{mark}", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def of(delta: dict[str, object], finish: str | None = None) -> bytes:
        return sse(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    events = [of({"role": "assistant", "content": ""}), of({"content": "Let me see."})]
    for at, city in enumerate(("Oslo", "Rome")):
        function = {"name": "weather", "arguments": ""}
        call = {"index": at, "id": f"call-{mark}-{at}", "type": "function", "function": function}
        events.append(of({"tool_calls": [call]}))
        events += [
            of({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
            for piece in ('{"city":', f'"{city}"}}')
        ]
    return [*events, of({}, "tool_calls"), b"data: [DONE]\n\n"]


def saying(events: list[bytes], end: Step | None = None) -> Script:
    async def script(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for event in events:
            yield chunk(event)
        if end is None:
            yield b"0\r\n\r\n"
        else:
            yield end

    return script


@pytest.mark.parametrize("cut", range(2, 8))
async def test_calls_that_were_told_are_kept_and_the_open_one_goes_on(cut: int) -> None:
    async with (
        upstream(saying(chat_calls("a")[:cut], Close())) as first,
        upstream(saying(chat_calls("b"))) as second,
        gateway(
            house((first, Protocol.CHAT), (second, Protocol.CHAT), policy=CONTINUE, prefill=cut > 2)
        ) as gate,
        AsyncOpenAI(base_url=f"http://127.0.0.1:{gate.port}/v1", api_key="k", max_retries=0) as sdk,
        sdk.chat.completions.stream(
            model="nick", messages=[{"role": "user", "content": "Weather?"}]
        ) as stream,
    ):
        final = await stream.get_final_completion()
        message = final.choices[0].message
        assert message.content == "Let me see."
        calls = message.tool_calls or []
        assert [call.function.arguments for call in calls] == [
            '{"city":"Oslo"}',
            '{"city":"Rome"}',
        ]
        whose = "".join(call.id[5] for call in calls)
        assert whose == {2: "bb", 3: "ab", 4: "ab", 5: "ab", 6: "aa", 7: "aa"}[cut]
        if cut > 2:
            assert len(second.requests) == 1  # a call is no beginning of words


async def test_openai_raises_where_nobody_goes_on() -> None:
    async with (
        serving(Protocol.CHAT, Protocol.CHAT, FAST) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as sdk,
    ):
        stream = await sdk.chat.completions.create(
            model="nick", messages=[{"role": "user", "content": "Weather?"}], stream=True
        )
        with pytest.raises(APIError, match="The upstream failed"):
            async for _ in stream:
                pass


async def test_what_was_spent_is_told_before_the_error_to_who_asks_for_usage() -> None:
    chat = Protocol.CHAT
    other = telling(chat, ["other "] * 9, "b")
    async with (
        upstream(telling(chat, stop_at=8, ending=Cut())) as first,
        upstream(other) as second,
        gateway(house((first, chat), (second, chat), policy=RESUME)) as gate,
        AsyncOpenAI(base_url=f"http://127.0.0.1:{gate.port}/v1", api_key="k", max_retries=0) as sdk,
    ):
        stream = await sdk.chat.completions.create(
            model="nick",
            messages=[{"role": "user", "content": "Weather?"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [await anext(stream) for _ in range(10)]
        usage = chunks[-1].usage
        assert usage is not None
        assert usage.completion_tokens > 4
        with pytest.raises(APIError, match="The upstream failed"):
            await anext(stream)


async def test_anthropic_raises_where_nobody_goes_on() -> None:
    async with (
        serving(Protocol.MESSAGES, Protocol.MESSAGES, FAST) as url,
        AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as sdk,
        sdk.messages.stream(
            model="nick", max_tokens=99, messages=[{"role": "user", "content": "Weather?"}]
        ) as stream,
    ):
        with pytest.raises(APIStatusError, match="The upstream failed"):
            await stream.get_final_message()


async def test_block_that_was_closed_stays_closed_and_the_next_has_the_next_index() -> None:
    messages = Protocol.MESSAGES
    thought = [
        sse(
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "thinking", "thinking": "", "signature": ""},
            },
            True,
        ),
        *(
            sse({"type": "content_block_delta", "index": 0, "delta": delta}, True)
            for delta in (
                {"type": "thinking_delta", "thinking": "Hm."},
                {"type": "signature_delta", "signature": "signed"},
            )
        ),
        sse({"type": "content_block_stop", "index": 0}, True),
    ]

    def events(mark: str) -> list[bytes]:
        plain = told(messages, WORDS, mark)
        moved = [event.replace(b'"index": 0', b'"index": 1') for event in plain[1:]]
        return [plain[0], *thought, *moved]

    cut = 1 + len(thought) + first_word(messages)
    async with (
        upstream(saying(events("a")[:cut], Close())) as first,
        upstream(saying(events("b"))) as second,
        gateway(house((first, messages), (second, messages), policy=RESUME)) as gate,
        AsyncAnthropic(base_url=f"http://127.0.0.1:{gate.port}", api_key="k", max_retries=0) as sdk,
        sdk.messages.stream(
            model="nick", max_tokens=99, messages=[{"role": "user", "content": "Weather?"}]
        ) as stream,
    ):
        final = await stream.get_final_message()
        thinking, text = final.content
        assert thinking.type == "thinking"
        assert (thinking.thinking, thinking.signature) == ("Hm.", "signed")
        assert text.type == "text"
        assert text.text == TEXT
