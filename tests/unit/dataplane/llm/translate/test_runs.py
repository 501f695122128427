"""Streams of many events that differ in a word: read at once or one by one, they mean the same."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.hub.delta import TextRun
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.deltas import check, spread
from tests.support.llm_golden import echo

CHAT_HEAD = b'data: {"id":"c","created":1,"model":"m","choices":[{"index":0,"delta":{"content":'
CHAT_TAIL = b'},"finish_reason":null}]%b}\n\n'
CHAT_END = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
EVENT = b'event: %b\ndata: {"type":"%b",%b}\n\n'
START = EVENT % (2 * (b"message_start",) + (b'"message":{"id":"a","model":"m"}',)) + EVENT % (
    2 * (b"content_block_start",) + (b'"index":0,"content_block":{"type":"text","text":""}',)
)
STOP = EVENT % (2 * (b"content_block_stop",) + (b'"index":0',)) + EVENT % (
    2 * (b"message_stop",) + (b'"x":0',)
)

LONG = b'"%b"' % (b"{} " * 20)
plain = st.sampled_from([b'" a"', b'"Hello"', '"é☀️"'.encode(), b'"%d %s"', LONG])
odd = st.sampled_from(
    [b'""', b'"\\n\\"q\\""', b'"\\u00e9"', b'"\\ud83d"', b'"\\ude00"', b"null", b'"},\\"x\\":"']
)
words = st.lists(st.one_of(plain, plain, plain, plain, odd), min_size=1, max_size=40)
paddings = st.one_of(
    st.just(b""), st.sampled_from([b',"obfuscation":"aB3"', b',"obfuscation":""', b',"usage":null'])
)


def chat(texts: list[bytes], rests: list[bytes]) -> bytes:
    """As OpenAI and its likes write."""
    events = [
        CHAT_HEAD + text + CHAT_TAIL % rest
        for text, rest in zip(texts, itertools.cycle(rests), strict=False)
    ]
    return b"".join(events) + CHAT_END


def messages(texts: list[bytes], between: list[bytes]) -> bytes:
    """As Anthropic writes; null is no text there."""
    events = [
        EVENT
        % (
            *2 * (b"content_block_delta",),
            b'"index":0,"delta":{"type":"text_delta","text":%b}' % text.replace(b"null", b'""'),
        )
        + ping
        for text, ping in zip(texts, itertools.cycle(between), strict=False)
    ]
    return START + b"".join(events) + STOP


def same(protocol: Protocol, stream: bytes, cuts: list[int]) -> None:
    """Asserts that these chunks mean what single bytes mean, and are written alike."""
    by_bytes = CODECS[protocol].stream_reader()
    expected = [d for at in range(len(stream)) for d in by_bytes.feed(stream[at : at + 1])]
    expected += by_bytes.finish()
    reader = CODECS[protocol].stream_reader()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    groups = [reader.feed(stream[a:b]) for a, b in itertools.pairwise(edges)]
    groups.append(reader.finish())
    flat = list(itertools.chain.from_iterable(groups))
    assert spread(flat) == expected
    check(flat)
    for target, codec in CODECS.items():
        in_runs = codec.stream_writer(echo(target, stream=True))
        one_by_one = codec.stream_writer(echo(target, stream=True))
        alone = b"".join(one_by_one.feed([delta]) for delta in expected)
        assert b"".join(map(in_runs.feed, groups)) == alone, target


@settings(max_examples=40)
@given(words, st.lists(paddings, min_size=1, max_size=5), st.lists(st.integers(0, 4000)))
def test_runs_of_chat_chunks_are_the_same_as_single_ones(
    texts: list[bytes], rests: list[bytes], cuts: list[int]
) -> None:
    same(Protocol.CHAT, chat(texts, rests), cuts)


@settings(max_examples=40)
@given(
    words,
    st.lists(st.sampled_from([b"", b"", EVENT % (b"ping", b"ping", b'"x":0'), b": hi\n\n", b"\n"])),
    st.lists(st.integers(0, 4000)),
)
def test_runs_of_message_events_are_the_same_as_single_ones(
    texts: list[bytes], between: list[bytes], cuts: list[int]
) -> None:
    same(Protocol.MESSAGES, messages(texts, between or [b""]), cuts)


@pytest.mark.parametrize("protocol", [Protocol.CHAT, Protocol.MESSAGES])
def test_line_ends_of_another_kind_are_the_same(protocol: Protocol) -> None:
    texts = [b'"w%d"' % number for number in range(6)]
    written = {Protocol.CHAT: chat(texts, [b""]), Protocol.MESSAGES: messages(texts, [b""])}
    same(protocol, written[protocol].replace(b"\n", b"\r\n"), [])


@pytest.mark.parametrize(
    "stream",
    [
        chat([b'" a"'] * 300, [b""]),
        chat([b'" a"'] * 300, [b',"obfuscation":"a"', b',"obfuscation":"XyZ"']),
    ],
)
def test_most_of_a_long_read_is_one_run_or_a_few(stream: bytes) -> None:
    deltas = CODECS[Protocol.CHAT].stream_reader().feed(stream)
    runs = [delta for delta in deltas if isinstance(delta, TextRun)]
    assert len(runs) <= 4
    assert sum(len(run.texts) for run in runs) >= 295


def test_events_with_names_are_a_run_too() -> None:
    deltas = CODECS[Protocol.MESSAGES].stream_reader().feed(messages([b'" a"'] * 50, [b""]))
    assert [len(delta.texts) for delta in deltas if isinstance(delta, TextRun)] == [49]
