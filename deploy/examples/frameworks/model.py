"""A model without weights: it follows a script, and speaks the chat API as one that calls tools.

Offered tools and no result yet: it calls the first one. With a result it says what it found. Asked
without tools it makes a reply of what somebody has found before. Words stand in for tokens, streams
take their time, and `GET /ledger` tells of every call.
"""

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from deploy.running.chat import Usage, event, head, refusal, text_of, usage_in_chat

WORD_PAUSE_S = 0.02  # so that a stream looks like one
FOUND = "I found: "
NOTHING = "I know of nothing."
_SUBJECT = re.compile(r"\babout (\w+)")
_NOTES = re.compile(rf"{FOUND}([^\n]+)")
Said = str | dict[str, Any]
"""Words, or the call of a tool: its name and arguments."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call of the model."""

    model: str
    streamed: bool
    input_tokens: int
    output_tokens: int
    tool: str = ""
    """What it has called."""
    text: str = ""
    """What it has said."""


@dataclass(slots=True)
class Model:
    """Answers by the script, and keeps the ledger."""

    pause: Callable[[], Awaitable[None]] = partial(asyncio.sleep, WORD_PAUSE_S)
    """After each event of a stream."""
    ledger: list[Entry] = field(default_factory=list)
    received: list[dict[str, str]] = field(default_factory=list)
    """The headers of every call, names in lower case."""

    def application(self) -> web.Application:
        """The chat API, the ledger and a health check."""

        async def health(_: web.Request) -> web.Response:
            return web.json_response({"status": "ok"})

        async def ledger(_: web.Request) -> web.Response:
            return web.json_response([asdict(entry) for entry in self.ledger])

        app = web.Application(client_max_size=16 << 20)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._complete),
                web.get("/ledger", ledger),
                web.get("/healthz", health),
            ]
        )
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            said = answer(body["messages"], body.get("tools") or [])
            usage = Usage(_words_in(body["messages"]), len(str(said).split()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return refusal(400, f"not a request for chat: {error!r}")
        streamed = body.get("stream") is True
        self.received.append({key.lower(): value for key, value in request.headers.items()})
        called, text = ("", said) if isinstance(said, str) else (said["name"], "")
        tokens = (usage.input_tokens, usage.output_tokens)
        self.ledger.append(Entry(body["model"], streamed, *tokens, called, text))
        if not streamed:
            return web.json_response(_whole(body["model"], said, usage))
        wanted = (body.get("stream_options") or {}).get("include_usage")
        return await self._stream(request, body["model"], said, usage if wanted else None)

    async def _stream(
        self, request: web.Request, name: str, said: Said, usage: Usage | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        chunk = head(name, "chat.completion.chunk")
        for delta, finish in _deltas(said):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            await response.write(event({**chunk, "choices": [choice]}))
            await self.pause()
        if usage is not None:
            await response.write(event({**chunk, "choices": [], "usage": usage_in_chat(usage)}))
        await response.write(b"data: [DONE]\n\n")
        return response


def answer(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Said:
    """What the script says to a conversation."""
    asked = max((i for i, one in enumerate(messages) if one["role"] == "user"), default=-1)
    results = [text_of(one["content"]) for one in messages[asked + 1 :] if one["role"] == "tool"]
    if results:
        return f"{FOUND}{results[-1]}"
    if tools:
        function = tools[0]["function"]
        subject = _SUBJECT.search(text_of(messages[asked]["content"]) if messages else "")
        value = subject.group(1) if subject else ""
        names = function["parameters"].get("required") or [*function["parameters"]["properties"]]
        return {"name": function["name"], "arguments": f'{{"{names[0]}": "{value}"}}'}
    notes = _NOTES.findall("\n".join(text_of(one.get("content")) for one in messages))
    return f"Dear reader, {notes[-1]}" if notes else NOTHING


def _words_in(messages: list[dict[str, Any]]) -> int:
    return sum(len(text_of(one.get("content")).split()) for one in messages)


def _call(said: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "id": "call_1", "type": "function", "function": said}


def _deltas(said: Said) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Word by word, or a call with its arguments in two pieces."""
    yield {"role": "assistant", "content": None if isinstance(said, dict) else ""}, None
    if isinstance(said, str):
        for word in re.findall(r"\S+\s*", said):
            yield {"content": word}, None
        yield {}, "stop"
        return
    first, rest = said["arguments"][:4], said["arguments"][4:]
    yield {"tool_calls": [_call({"name": said["name"], "arguments": first})]}, None
    yield {"tool_calls": [{"index": 0, "function": {"arguments": rest}}]}, None
    yield {}, "tool_calls"


def _whole(name: str, said: Said, usage: Usage) -> dict[str, Any]:
    if isinstance(said, str):
        message: dict[str, Any] = {"role": "assistant", "content": said}
        finish = "stop"
    else:
        message = {"role": "assistant", "content": None, "tool_calls": [_call(said)]}
        finish = "tool_calls"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage_told = usage_in_chat(usage)
    return {**head(name, "chat.completion"), "choices": [choice], "usage": usage_told}


def main() -> None:
    """Serve until told to stop."""
    flags = argparse.ArgumentParser(prog="model")
    flags.add_argument("--port", type=int, default=12120)
    web.run_app(Model().application(), host="127.0.0.1", port=flags.parse_args().port, print=None)


if __name__ == "__main__":
    main()
