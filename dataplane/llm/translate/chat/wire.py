"""What stands on the wire of chat completions, as far as answers and streams share it.

Rule: servers deviate, and so null is the same as absent and what is not known is passed over.
"""

from typing import Any

import msgspec

from dataplane.llm.hub.answer import Finish, TokenLogprob, Usage
from dataplane.llm.hub.parts import Citation
from dataplane.llm.hub.seal import opened, seal
from dataplane.runtime.protocols import Protocol

ABSENT = msgspec.Raw(b"")
"""A raw field that was not sent."""


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """Tokens; the details are parts of the totals."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek."""
    cached_tokens: int | None = None
    """Moonshot."""

    def counted(self) -> Usage:
        """The hub's form."""
        sent = self.prompt_tokens_details or _InputDetails()
        made = self.completion_tokens_details or _OutputDetails()
        prompt, output = self.prompt_tokens or 0, self.completion_tokens or 0
        thought = made.reasoning_tokens or 0
        if thought and self.total_tokens == prompt + output + thought:
            output += thought  # xAI counts thinking apart
        return Usage(
            input=prompt,
            output=output,
            cache_read=sent.cached_tokens
            or self.prompt_cache_hit_tokens
            or self.cached_tokens
            or 0,
            cache_write=sent.cache_write_tokens or 0,
            reasoning=thought,
            input_audio=sent.audio_tokens or 0,
            output_audio=made.audio_tokens or 0,
        )


class WireLogprob(msgspec.Struct):
    """One token."""

    token: str
    logprob: float | None = None
    bytes: list[int] | None = None
    top_logprobs: list["WireLogprob"] | None = None

    def read(self) -> TokenLogprob:
        """The hub's form."""
        return TokenLogprob(
            self.token,
            -9999.0 if self.logprob is None else self.logprob,
            self.bytes,
            [one.read() for one in self.top_logprobs or ()],
        )


class WireLogprobs(msgspec.Struct):
    """Of the text, or of the refusal."""

    content: list[WireLogprob] | None = None
    refusal: list[WireLogprob] | None = None

    def read(self) -> list[TokenLogprob] | None:
        """The hub's form; None when there are none."""
        tokens = self.content or self.refusal
        return [one.read() for one in tokens] if tokens else None


class _UrlCitation(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None
    content: str | None = None


class Annotation(msgspec.Struct):
    """Where words are from."""

    type: str = ""
    url_citation: _UrlCitation | None = None

    def read(self) -> Citation | None:
        """None when it cites no page."""
        cited = self.url_citation
        if cited is None or not cited.url:
            return None
        return Citation(
            cited.url,
            cited.title or "",
            cited.content or "",
            cited.start_index,
            cited.end_index,
        )


class ReasoningDetail(msgspec.Struct):
    """OpenRouter's form of thinking that can be given back; ours towards clients, too."""

    type: str = "reasoning.text"
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    format: str | None = None
    index: int | None = None


class _Sealed(msgspec.Struct, omit_defaults=True):
    """What must come back with a signature besides itself."""

    signature: str = ""
    data: str = ""
    id: str = ""
    format: str = ""
    extra: msgspec.Raw = ABSENT


_SEALED = msgspec.json.Decoder(_Sealed)
_ENCODER = msgspec.json.Encoder()


def seal_detail(detail: ReasoningDetail) -> str:
    """A signature of a provider's that speaks chat, with what it wants back beside it."""
    if not detail.signature and not detail.data:
        return ""
    kept = _Sealed(detail.signature or "", detail.data or "", detail.id or "", detail.format or "")
    return seal(Protocol.CHAT, _ENCODER.encode(kept).decode())


def seal_extra(extra: msgspec.Raw) -> str:
    """`extra_content` of a tool call (Gemini's compatible endpoint signs there)."""
    if not extra or bytes(extra) == b"null":
        return ""
    return seal(Protocol.CHAT, _ENCODER.encode(_Sealed(extra=extra)).decode())


def open_detail(signature: str, text: str) -> dict[str, Any] | None:
    """The detail that `seal_detail` sealed; None when the signature is another protocol's."""
    kept = _open(signature)
    if kept is None or (not kept.signature and not kept.data):
        return None
    shown = {"signature": kept.signature, "data": kept.data, "id": kept.id, "format": kept.format}
    told = {name: value for name, value in shown.items() if value}
    if kept.data:
        return {"type": "reasoning.encrypted"} | told
    return {"type": "reasoning.text", "text": text} | told


def open_extra(signature: str) -> msgspec.Raw | None:
    """The `extra_content` that `seal_extra` sealed."""
    kept = _open(signature)
    return kept.extra if kept is not None and kept.extra else None


def _open(signature: str) -> _Sealed | None:
    mine = opened(signature, Protocol.CHAT)
    try:
        return _SEALED.decode(mine) if mine else None
    except (ValueError, RecursionError):
        return None


FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
    # words of servers that came close
    "max_tokens": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "sensitive": Finish.CONTENT_FILTER,
    "error": Finish.ERROR,
    "network_error": Finish.ERROR,
    "insufficient_system_resource": Finish.ERROR,
}
"""By finish_reason; the others ("eos", "end_turn") count as STOP."""

REASONS = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.REFUSAL: "content_filter",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.PAUSE: "stop",
    Finish.CONTEXT_LENGTH: "length",
    # The API has no word for a generation that failed; a client must not take it for an answer.
    Finish.ERROR: "content_filter",
}


def finish_of(reason: str | None, *, called: bool, refused: bool = False) -> Finish:
    """Why it stopped; servers are found to say "stop" for tool calls."""
    finish = FINISHES.get(reason or "stop", Finish.STOP)
    if finish is Finish.STOP:
        return Finish.TOOL_CALLS if called else Finish.REFUSAL if refused else finish
    return finish


def logprobs_json(tokens: list[TokenLogprob]) -> dict[str, Any]:
    """The `logprobs` of a choice."""
    return {
        "content": [
            {
                "token": one.token,
                "logprob": one.logprob,
                "bytes": one.bytes,
                "top_logprobs": [
                    {"token": top.token, "logprob": top.logprob, "bytes": top.bytes}
                    for top in one.top
                ],
            }
            for one in tokens
        ],
        "refusal": None,
    }


def annotation_json(citation: Citation, base: int, length: int) -> dict[str, Any] | None:
    """A citation of a text that begins at `base` of the content; None when it has no address."""
    if not citation.url:
        return None
    start = base + (citation.start or 0)
    end = base + (length if citation.end is None else citation.end)
    return {
        "type": "url_citation",
        "url_citation": {
            "start_index": start,
            "end_index": end,
            "title": citation.title,
            "url": citation.url,
        },
    }
