"""What a chat completion answer says, whole or streamed, when we are the ones who read it.

Rule: nothing that is cut short or an error passes for an answer.
"""

from dataclasses import dataclass

import msgspec

from dataplane.llm.chat import Part
from dataplane.llm.sse import DONE, SseDecoder, SseError
from dataplane.runtime.messages import HttpReply


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No answer is in there, and why: "it is not JSON"."""

    reason: str


class _Said(msgspec.Struct, gc=False):
    content: str | list[Part] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


_NULL = msgspec.Raw(b"null")


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    error: msgspec.Raw = _NULL


class _Error(msgspec.Struct):
    message: str | None = None


class _ErrorBody(msgspec.Struct):
    """The places where services put the sentence for people."""

    error: _Error | str | None = None
    message: str | None = None
    detail: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_ERROR = msgspec.json.Decoder(_ErrorBody)
MAX_SENTENCE = 500
"""Characters of another service's error message that we repeat."""


def answer_text(reply: HttpReply) -> str | Unreadable:
    """The words of the first choice of a 2xx answer; empty when it has none (a tool call)."""
    encoding = header(reply, "content-encoding").lower()
    if encoding not in ("", "identity"):
        return Unreadable(f"its content-encoding is {encoding}, which was not asked for")
    if header(reply, "content-type").lower().startswith("text/event-stream"):
        return _streamed(reply.body)
    answer = _decode(reply.body)
    if isinstance(answer, Unreadable):
        return answer
    if not answer.choices or answer.choices[0].message is None:
        return Unreadable("it has no choices[0].message")
    return _words(answer.choices[0].message)


def error_sentence(reply: HttpReply) -> str:
    """What an error answer says to people; empty when it says nothing readable."""
    try:
        body = _ERROR.decode(reply.body)
    except (ValueError, RecursionError):
        plain = header(reply, "content-type").lower().startswith("text/plain")
        text = reply.body.decode("utf-8", "replace").strip() if plain else ""
        return text[:MAX_SENTENCE]
    error = body.error.message if isinstance(body.error, _Error) else body.error
    return (error or body.message or body.detail or "")[:MAX_SENTENCE]


def header(reply: HttpReply, name: str) -> str:
    """The first value of a header, by its lower-case name; empty when it is not there."""
    return next((value for key, value in reply.headers if key.lower() == name), "")


def _streamed(body: bytes) -> str | Unreadable:
    words: list[str] = []
    finished = False
    try:
        # The empty line after the last event is the one that careless servers leave out.
        events = SseDecoder().feed(body + b"\n\n")
    except SseError as problem:
        return Unreadable(str(problem))
    for event in events:
        if event.data.strip() == DONE:
            finished = True
            break
        answer = _decode(event.data)
        if isinstance(answer, Unreadable):
            if answer.reason == _IN_BAND_ERROR:
                return answer
            continue  # one broken event does not spoil the others
        for choice in answer.choices or ():
            if choice.index == 0:
                words.append(_words(choice.delta or choice.message))
                finished = finished or choice.finish_reason is not None
    if not finished:
        return Unreadable("its stream ended early")
    return "".join(words)


_IN_BAND_ERROR = "it carries an error"


def _decode(data: bytes) -> _Answer | Unreadable:
    try:
        answer = _ANSWER.decode(data)
    except msgspec.ValidationError as problem:
        return Unreadable(f"it is not a chat completion: {problem}")
    except (ValueError, RecursionError):
        return Unreadable("it is not JSON")
    if bytes(answer.error) != b"null":
        return Unreadable(_IN_BAND_ERROR)
    return answer


def _words(said: _Said | None) -> str:
    if said is None or said.content is None:
        return ""
    if isinstance(said.content, str):
        return said.content
    return "".join(part.text for part in said.content if part.text)
