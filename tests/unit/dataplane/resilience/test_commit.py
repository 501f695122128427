import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dataplane.resilience.commit import MAX_BYTES, MAX_EVENTS, InBandError, Progress, Startup
from dataplane.runtime.protocols import Protocol
from tests.support.examples import share_of


def sse(data: object, name: str = "", compact: bool = True) -> bytes:
    text = json.dumps(data, separators=(",", ":") if compact else None)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def chat(delta: object, finish: str | None = None) -> dict[str, object]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def block(kind: str, **more: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": 0, "content_block": {"type": kind, **more}}


def response(kind: str, **more: object) -> dict[str, object]:
    return {"type": f"response.{kind}", "sequence_number": 1, **more}


def gemini(*parts: object, **more: object) -> dict[str, object]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, **more}]}


CHAT, MESSAGES, RESPONSES, GEMINI = (
    Protocol.CHAT,
    Protocol.MESSAGES,
    Protocol.RESPONSES,
    Protocol.GEMINI,
)

SAY_NOTHING = [
    (CHAT, chat({"role": "assistant", "content": ""})),
    (CHAT, chat({"role": "assistant", "content": None, "refusal": None, "tool_calls": []})),
    (CHAT, chat({})),
    (CHAT, {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
    (CHAT, {"id": "c", "error": None, "choices": []}),
    (MESSAGES, {"type": "message_start", "message": {"content": [], "usage": {}}}),
    (MESSAGES, {"type": "ping"}),
    (MESSAGES, block("text", text="")),
    (MESSAGES, block("thinking", thinking="", signature="")),
    (RESPONSES, response("created", response={"error": None})),
    (RESPONSES, response("in_progress", response={})),
    (RESPONSES, response("output_item.added", item={"type": "message", "content": []})),
    (RESPONSES, response("content_part.added", part={"type": "output_text", "text": ""})),
    (GEMINI, {"usageMetadata": {"promptTokenCount": 3}}),
    (GEMINI, gemini()),
    (GEMINI, gemini({"text": ""})),
    (GEMINI, gemini({"text": "", "thoughtSignature": "x"})),
]
COMMIT = [
    (CHAT, chat({"content": "a"})),
    (CHAT, chat({"role": "assistant", "content": "", "reasoning_content": "hm"})),
    (CHAT, chat({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f"}}]})),
    (CHAT, chat({"refusal": "no"})),
    (CHAT, chat({}, "stop")),
    (CHAT, chat({"content": [{"type": "text", "text": "a"}]})),
    (CHAT, {"choices": [{"message": {"content": ""}}]}),
    (MESSAGES, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}),
    (MESSAGES, block("tool_use", id="t", name="f", input={})),
    (MESSAGES, block("text", text="a")),
    (MESSAGES, block("redacted_thinking", data="x")),
    (MESSAGES, {"type": "message_stop"}),
    (MESSAGES, {"type": "something_new"}),
    (RESPONSES, response("output_text.delta", delta="a")),
    (RESPONSES, response("output_item.added", item={"type": "function_call", "name": "f"})),
    (RESPONSES, response("completed", response={})),
    (RESPONSES, response("incomplete", response={})),
    (RESPONSES, response("something_new")),
    (GEMINI, gemini({"text": "a"})),
    (GEMINI, gemini({"functionCall": {"name": "f", "args": {}}})),
    (GEMINI, gemini(finishReason="STOP")),
    (GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}}),
]
ERRORS = [
    (CHAT, {"error": {"message": "boom", "code": 500}}),
    (CHAT, {"object": "error", "message": "boom", "code": 500}),
    (CHAT, {**chat({"content": ""}, "error"), "error": {"code": 502, "message": "boom"}}),
    (MESSAGES, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    (RESPONSES, {"type": "error", "code": "server_error", "message": "boom"}),
    (RESPONSES, response("failed", response={"error": {"code": "server_error"}})),
    (GEMINI, {"error": {"code": 503, "status": "UNAVAILABLE"}}),
]


@pytest.mark.parametrize("compact", [True, False], ids=["compact", "spaced"])
@pytest.mark.parametrize(("protocol", "event"), SAY_NOTHING)
def test_what_says_nothing_is_held(protocol: Protocol, event: object, compact: bool) -> None:
    assert Startup(protocol).feed(sse(event, compact=compact)) is Progress.HOLD


@pytest.mark.parametrize("compact", [True, False], ids=["compact", "spaced"])
@pytest.mark.parametrize(("protocol", "event"), COMMIT)
def test_content_and_ends_commit(protocol: Protocol, event: object, compact: bool) -> None:
    assert Startup(protocol).feed(sse(event, compact=compact)) is Progress.COMMIT


@pytest.mark.parametrize(("protocol", "event"), ERRORS)
def test_an_error_before_content_is_told(protocol: Protocol, event: object) -> None:
    found = Startup(protocol).feed(sse(event))
    assert isinstance(found, InBandError)
    assert json.loads(found.event) == event


@pytest.mark.parametrize("protocol", [CHAT, MESSAGES, RESPONSES, GEMINI])
def test_an_event_that_is_named_error_is_one(protocol: Protocol) -> None:
    event = {"message": "boom"}
    assert isinstance(Startup(protocol).feed(sse(event, "error")), InBandError)


def test_done_without_content_commits() -> None:
    assert Startup(CHAT).feed(b"data: [DONE]\n\n") is Progress.COMMIT


def test_comments_are_held() -> None:
    assert Startup(CHAT).feed(b": OPENROUTER PROCESSING\n\n" * 100) is Progress.HOLD


def test_everything_fed_is_held_until_it_is_passed_on() -> None:
    startup = Startup(CHAT)
    first, second = sse(chat({"role": "assistant"})), sse(chat({"content": "a"}))
    assert startup.feed(first) is Progress.HOLD
    assert startup.feed(second) is Progress.COMMIT
    assert startup.held == first + second


def test_a_body_that_ends_before_content_was_no_answer() -> None:
    startup = Startup(CHAT)
    startup.feed(sse(chat({"role": "assistant"})))
    assert startup.end() is Progress.HOLD


def test_an_error_without_a_blank_line_behind_it_is_found_at_the_end() -> None:
    startup = Startup(CHAT)
    assert startup.feed(b'data: {"error":{"code":500}}') is Progress.HOLD
    assert startup.end() == InBandError(b'{"error":{"code":500}}')


def test_a_plain_error_in_place_of_a_stream_is_found_at_the_end() -> None:
    startup = Startup(MESSAGES)
    assert startup.feed(b'{"error":{"message":"boom"}}') is Progress.HOLD
    assert isinstance(startup.end(), InBandError)


def test_a_plain_answer_in_place_of_a_stream_commits_at_the_end() -> None:
    startup = Startup(CHAT)
    assert startup.feed(b'{"choices":[]}') is Progress.HOLD
    assert startup.end() is Progress.COMMIT


def test_more_events_than_can_be_held_commit() -> None:
    startup = Startup(MESSAGES)
    ping = sse({"type": "ping"})
    found = [startup.feed(ping) for _ in range(MAX_EVENTS)]
    assert found == [Progress.HOLD] * (MAX_EVENTS - 1) + [Progress.COMMIT]


def test_more_bytes_than_can_be_held_commit() -> None:
    assert Startup(CHAT).feed(b": " + b"x" * MAX_BYTES) is Progress.COMMIT


def test_the_list_form_of_gemini_commits_unless_it_is_an_error() -> None:
    assert Startup(GEMINI).feed(b'[{"candidates"') is Progress.COMMIT
    assert isinstance(Startup(GEMINI).feed(b'[{\n "error": {"code": 500}}]'), InBandError)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (b":event-type\x07\x00\x0cmessageStart", Progress.HOLD),
        (b":event-type\x07\x00\x11contentBlockDelta", Progress.COMMIT),
        (b":event-type\x07\x00\x0bmessageStop", Progress.COMMIT),
    ],
)
def test_frames_of_amazon_are_known_by_their_names(frame: bytes, found: Progress) -> None:
    assert Startup(Protocol.CONVERSE).feed(frame) is found


def test_an_exception_of_amazon_is_an_error() -> None:
    frame = b":exception-type\x07\x00\x13throttlingException"
    assert isinstance(Startup(Protocol.CONVERSE).feed(frame), InBandError)


@given(st.sampled_from(SAY_NOTHING + COMMIT + ERRORS), st.data(), st.sampled_from([b"\n", b"\r\n"]))
def test_how_a_stream_is_cut_does_not_change_what_it_is(
    case: tuple[Protocol, object], data: st.DataObject, newline: bytes
) -> None:
    protocol, event = case
    stream = (b": hello\n\n" + sse(event)).replace(b"\n", newline)
    whole = Startup(protocol).feed(stream)
    startup = Startup(protocol)
    at = 0
    found: Progress | InBandError = Progress.HOLD
    while at < len(stream) and found is Progress.HOLD:
        step = data.draw(st.integers(1, 40))
        found = startup.feed(stream[at : at + step])
        at += step
    assert found == whole
    assert startup.held == stream[:at]


class Streams(RuleBasedStateMachine):
    """One attempt's stream, cut into reads anywhere, and what a client may have of it."""

    @initialize(protocol=st.sampled_from([CHAT, MESSAGES, RESPONSES, GEMINI]))
    def begin(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.startup = Startup(protocol)
        self.fed = b""
        self.waiting = b""
        self.found: Progress | InBandError = Progress.HOLD
        self.spoke = False
        """A whole event with content was fed."""
        self.pending: list[tuple[int, bool]] = []
        self.written = 0

    def _write(self, event: object, speaks: bool) -> None:
        data = sse(event)
        self.waiting += data
        self.written += len(data)
        self.pending.append((self.written, speaks))

    @rule(data=st.data())
    def provider_says_nothing(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([e for p, e in SAY_NOTHING if p is self.protocol]))
        self._write(event, speaks=False)

    @rule(data=st.data())
    def provider_speaks(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([e for p, e in COMMIT if p is self.protocol]))
        self._write(event, speaks=True)

    @precondition(lambda self: self.waiting and self.found is Progress.HOLD)
    @rule(size=st.integers(1, 500))
    def read(self, size: int) -> None:
        chunk, self.waiting = self.waiting[:size], self.waiting[size:]
        self.fed += chunk
        self.found = self.startup.feed(chunk)
        self.spoke = any(end <= len(self.fed) and speaks for end, speaks in self.pending)

    @invariant()
    def content_is_never_held_and_nothing_is_lost(self) -> None:
        if not hasattr(self, "startup"):
            return
        assert self.startup.held == self.fed
        assert not isinstance(self.found, InBandError)
        assert not (self.spoke and self.found is Progress.HOLD)

    @invariant()
    def what_says_nothing_commits_only_when_it_is_too_much(self) -> None:
        if not hasattr(self, "startup") or self.found is Progress.HOLD:
            return
        begun = any(speaks for _, speaks in self.pending)
        assert begun or len(self.pending) >= MAX_EVENTS


Streams.TestCase.settings = settings(max_examples=share_of(60), stateful_step_count=30)
TestStreams = Streams.TestCase
