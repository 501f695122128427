"""An agent as an HTTP service: OpenAI chat completions around a generator of what it says.

This is all that Outrider asks of an agent: POST /v1/chat/completions, whole or streamed. Use any
framework, and any server.
"""

import argparse
import asyncio
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

log = logging.getLogger("agent")

WORD_PAUSE_S = 0.004  # so that a stream looks like one
RUN_HEADERS = ("x-outrider-run", "traceparent")
"""What makes a call of ours a part of the run that we are asked in: they are passed on."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: who said it, and its text."""

    role: str
    text: str
    agent: str = ""
    """Which agent said it, when another one has answered before us in this exchange."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an agent is asked."""

    messages: list[Message]
    run_headers: dict[str, str] = field(default_factory=dict)
    """`default_headers` of the client that calls models or other agents."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an answer took; said after its words."""

    input_tokens: int
    output_tokens: int


Answer = Callable[[Asked], AsyncIterator[str | Usage]]


def serve(name: str, answer: Answer, *, port: int = 0, argv: Sequence[str] | None = None) -> None:
    """Run an agent until it is told to stop; `--host` and `--port` say where.

    :param port: without `--port`.
    :param argv: the flags; else those of the command line.
    """
    flags = argparse.ArgumentParser(prog=name)
    flags.add_argument("--host", default="127.0.0.1")
    flags.add_argument("--port", type=int, default=port)
    where = flags.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format=f"{name}: %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    # A client that leaves ends what the agent does for it, and with it the calls of models.
    app = application(name, answer)
    web.run_app(app, host=where.host, port=where.port, print=None, handler_cancellation=True)


def at_once(answer: Callable[[list[Message]], str]) -> Answer:
    """An agent that is a plain function: its text, word by word. Words stand in for tokens."""

    async def words(asked: Asked) -> AsyncIterator[str | Usage]:
        text = answer(asked.messages)
        for word in re.findall(r"\S+\s*", text):
            yield word
            await asyncio.sleep(WORD_PAUSE_S)
        read = sum(len(message.text.split()) for message in asked.messages)
        yield Usage(read, len(text.split()))

    return words


def application(name: str, answer: Answer) -> web.Application:
    """The agent's routes: the chat API and a health check."""

    async def complete(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            messages = [_message(entry) for entry in body["messages"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            return refusal(400, "messages: expected a list of {role, content}")
        if not messages:
            return refusal(400, "messages: the list is empty")
        log.info("%r", messages[-1].text)
        passed = {key: request.headers[key] for key in RUN_HEADERS if key in request.headers}
        saying = aiter(answer(Asked(messages, passed)))
        try:
            first = await anext(saying, "")
        except Exception as error:
            log.exception("no answer")
            return refusal(_status(error), f"{type(error).__name__}: {error}")
        if not body.get("stream"):
            return await _whole(name, first, saying)
        told = bool((body.get("stream_options") or {}).get("include_usage"))
        return await _streamed(request, name, first, saying, tell_usage=told)

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application(client_max_size=16 << 20)
    app.add_routes([web.post("/v1/chat/completions", complete), web.get("/healthz", health)])
    return app


def last_question(messages: list[Message]) -> str:
    """What the user said last."""
    return next((m.text for m in reversed(messages) if m.role == "user"), "")


def refusal(status: int, message: str) -> web.Response:
    """An error of the chat API."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": None}
    return web.json_response({"error": error}, status=status)


def text_of(content: object) -> str:
    """The words of a message's `content`: a text, or a list of parts."""
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return str(content or "")


def head(name: str, kind: str) -> dict[str, Any]:
    """The beginning of an answer, or of a chunk of one."""
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": 0, "model": name}


def event(data: dict[str, Any]) -> bytes:
    """A chunk on the wire."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def usage_in_chat(usage: Usage) -> dict[str, int]:
    """In the API's words."""
    read, said = usage.input_tokens, usage.output_tokens
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}


def _message(entry: dict[str, Any]) -> Message:
    return Message(entry["role"], text_of(entry.get("content")), entry.get("name") or "")


def _status(error: Exception) -> int:
    """What a model's API has refused is refused in its words; the rest is our own failure."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and 400 <= status < 600 else 500


async def _whole(
    name: str, first: str | Usage, saying: AsyncIterator[str | Usage]
) -> web.StreamResponse:
    pieces = [first]
    try:
        pieces += [piece async for piece in saying]
    except Exception as error:
        log.exception("no answer")
        return refusal(_status(error), f"{type(error).__name__}: {error}")
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {**head(name, "chat.completion"), "choices": [choice]}
    for piece in pieces:
        if isinstance(piece, Usage):
            body["usage"] = usage_in_chat(piece)
    return web.json_response(body)


async def _streamed(
    request: web.Request,
    name: str,
    first: str | Usage,
    saying: AsyncIterator[str | Usage],
    *,
    tell_usage: bool,
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"content-type": "text/event-stream", "cache-control": "no-cache"}
    )
    await response.prepare(request)
    chunk = head(name, "chat.completion.chunk")

    async def send(delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        await response.write(event({**chunk, "choices": [choice]}))

    usage = first if isinstance(first, Usage) else None
    await send({"role": "assistant", "content": first if isinstance(first, str) else ""})
    try:
        async for piece in saying:
            if isinstance(piece, Usage):
                usage = piece
            else:
                await send({"content": piece})
    except Exception as error:
        # Too late for a status; without [DONE] nobody takes it for whole.
        log.exception("cut off")
        await response.write(event({"error": {"message": f"{type(error).__name__}: {error}"}}))
        return response
    await send({}, "stop")
    if usage is not None and tell_usage:
        await response.write(event({**chunk, "choices": [], "usage": usage_in_chat(usage)}))
    await response.write(b"data: [DONE]\n\n")
    return response
