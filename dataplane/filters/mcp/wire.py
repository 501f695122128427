"""The little of MCP that a caller of one tool speaks: messages written, answers read."""

from typing import Any

import msgspec

from dataplane.llm.sse import SseDecoder, SseError
from dataplane.runtime.messages import Headers, HttpReply

SESSIONS = "2025-11-25"
"""The newest version with sessions; an older one that a server answers is spoken as well."""
STATELESS = "2026-07-28"
CLIENT = {"name": "outrider", "version": "1"}
ACCEPT: Headers = (
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
)
_MAX_EVENT_BYTES = 32 << 20


class Error(msgspec.Struct):
    """Of JSON-RPC."""

    code: int = 0
    message: str = ""


class Result(msgspec.Struct):
    """Of `tools/call`, and what `initialize` says of the version."""

    structured: Any = msgspec.field(name="structuredContent", default=None)
    content: list[Any] = []
    is_error: bool = msgspec.field(name="isError", default=False)
    version: str = msgspec.field(name="protocolVersion", default="")

    @property
    def text(self) -> str:
        """The first text of it."""
        for part in self.content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                return str(part["text"])
        return ""


class Answer(msgspec.Struct):
    """A response."""

    id: Any = None
    result: Result | None = None
    error: Error | None = None


_ANSWER = msgspec.json.Decoder(Answer)


def message(method: str, params: Any, request_id: str = "") -> bytes:
    """A request, or without an id a notification."""
    told = {"jsonrpc": "2.0", "method": method, "params": params}
    if request_id:
        told["id"] = request_id
    return msgspec.json.encode(told)


def stateless(params: dict[str, Any]) -> dict[str, Any]:
    """Params with what a session would know."""
    prefix = "io.modelcontextprotocol/"
    meta = {
        f"{prefix}protocolVersion": STATELESS,
        f"{prefix}clientInfo": CLIENT,
        f"{prefix}clientCapabilities": {},
    }
    return {**params, "_meta": meta}


def answer(reply: HttpReply, request_id: str) -> Answer | None:
    """The response to a request, plain or within a stream; None: there is none."""
    kind = header(reply, "content-type").lower()
    if kind.startswith("text/event-stream"):
        try:
            found = [
                event.data for event in SseDecoder(_MAX_EVENT_BYTES).feed(reply.body + b"\n\n")
            ]
        except SseError:
            return None
    else:
        found = [reply.body]
    for data in found:
        try:
            read = _ANSWER.decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            continue
        if read.id == request_id and (read.result is not None or read.error is not None):
            return read
    return None


def header(reply: HttpReply, name: str) -> str:
    """The first value of a header, by its lower-case name; empty when it is absent."""
    return next((value for key, value in reply.headers if key.lower() == name), "")
