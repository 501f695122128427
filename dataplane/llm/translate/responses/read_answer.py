"""A response object -> Answer."""

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Finish, TokenLogprob, Unreadable, Usage
from dataplane.llm.hub.literals import whole_characters
from dataplane.llm.hub.parts import Part, Refusal, Thinking, ToolCall
from dataplane.llm.translate.responses.read_items import read_item
from dataplane.llm.translate.responses.read_parts import ItemError, read_logprobs
from dataplane.llm.translate.responses.wire import ABSENT, WireUsage, sealed_reasoning


class _Incomplete(msgspec.Struct, gc=False):
    reason: str | None = None


class WireError(msgspec.Struct, gc=False):
    """The error of a response that failed."""

    code: str | None = None
    message: str | None = None
    param: str | None = None
    type: str | None = None


class WireResponse(msgspec.Struct):
    """A response object, as far as it is read."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    created_at: float | None = None
    output: list[msgspec.Raw] | None = None
    error: WireError | None = None
    incomplete_details: _Incomplete | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None

    def counted(self) -> Usage | None:
        """Its usage in the hub's form."""
        return self.usage.counted() if self.usage is not None else None

    def finish(self, parts: list[Part]) -> Finish:
        """Why the model stopped, where these are its parts."""
        if self.status == "incomplete":
            why = self.incomplete_details.reason if self.incomplete_details is not None else None
            return Finish.CONTENT_FILTER if why == "content_filter" else Finish.LENGTH
        if any(isinstance(part, ToolCall) for part in parts):
            return Finish.TOOL_CALLS
        if any(isinstance(part, Refusal) for part in parts):
            return Finish.REFUSAL
        return Finish.STOP


class _Content(msgspec.Struct):
    logprobs: msgspec.Raw = ABSENT


class _Message(msgspec.Struct):
    type: str | None = None
    content: list[_Content] | None = None


_RESPONSE = msgspec.json.Decoder(WireResponse)
_MESSAGE = msgspec.json.Decoder(_Message)


def read_answer(body: bytes) -> Answer | Unreadable:
    """The body of a 2xx answer."""
    found = _read(body)
    if isinstance(found, Unreadable) and b"\\ud" in body.lower():
        return _read(whole_characters(body))
    return found


def _read(body: bytes) -> Answer | Unreadable:
    try:
        body.decode()
        wire = _RESPONSE.decode(body)
        if wire.output is None:
            return Unreadable("it has no output")
        if wire.status == "failed" or wire.error is not None:
            told = wire.error.message if wire.error is not None else None
            return Unreadable(f"the response failed: {told or 'without a reason'}")
        if wire.status in ("queued", "in_progress", "cancelled"):
            return Unreadable(f"the response is {wire.status}")
        parts: list[Part] = []
        logprobs: list[TokenLogprob] = []
        for number, raw in enumerate(wire.output):
            parts += read_output(raw, f"output[{number}]")
            if b'"logprobs"' in bytes(raw):
                logprobs += _logprobs(raw)
    except (msgspec.ValidationError, ItemError) as problem:
        return Unreadable(f"it is not a response: {problem}")
    except (ValueError, RecursionError):
        return Unreadable("it is not JSON")
    choice = Choice(parts, wire.finish(parts), logprobs=logprobs or None)
    return Answer(
        wire.id or "",
        wire.model or "",
        [choice],
        usage=wire.counted(),
        created=int(wire.created_at or 0),
        service_tier=wire.service_tier or "",
    )


def read_output(raw: msgspec.Raw, at: str) -> list[Part]:
    """The parts of one output item, as they may leave for clients of other protocols; none for
    reasoning that tells nothing. Raises ItemError.
    """
    parts = read_item(raw, at, "assistant").parts
    thinking = parts[0] if parts else None
    if isinstance(thinking, Thinking):
        thinking.signature = sealed_reasoning(thinking.id, thinking.signature)
        thinking.redacted = not thinking.text
        return parts if thinking.text or thinking.signature else []
    return parts


def _logprobs(raw: msgspec.Raw) -> list[TokenLogprob]:
    """Of a message; other items may have a field of that name with another meaning."""
    try:
        message = _MESSAGE.decode(raw)
        if message.type == "message":
            return [one for part in message.content or () for one in read_logprobs(part.logprobs)]
    except msgspec.ValidationError:
        return []
    return []
