"""An agent as an HTTP service: OpenAI chat completions around a function that answers.

This is all that Outrider asks of an agent: POST /v1/chat/completions, whole or streamed. Use any
framework.
"""

import argparse
import asyncio
import json
import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

log = logging.getLogger("agent")

WORD_PAUSE_S = 0.004  # so that a stream looks like one


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: who said it, and its text."""

    role: str
    text: str
    agent: str = ""
    """Which agent said it, when another one has answered before us in this exchange."""


Answer = Callable[[list[Message]], str]


def serve(name: str, default_port: int, answer: Answer) -> None:
    """Run an agent until it is told to stop; `--host` and `--port` say where."""
    flags = argparse.ArgumentParser(prog=name)
    flags.add_argument("--host", default="127.0.0.1")
    flags.add_argument("--port", type=int, default=default_port)
    where = flags.parse_args()
    logging.basicConfig(level=logging.INFO, format=f"{name}: %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    web.run_app(application(name, answer), host=where.host, port=where.port, print=None)


def application(name: str, answer: Answer) -> web.Application:
    """The agent's routes: the chat API and a health check."""

    async def complete(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            messages = [_message(entry) for entry in body["messages"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refusal("messages: expected a list of {role, content}")
        if not messages:
            return _refusal("messages: the list is empty")
        text = answer(messages)
        log.info("%r", messages[-1].text)
        usage = _usage(messages, text)
        if body.get("stream"):
            options = body.get("stream_options") or {}
            return await _stream(
                request, name, text, usage if options.get("include_usage") else None
            )
        return web.json_response(_completion(name, text, usage))

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", complete), web.get("/healthz", health)])
    return app


def last_question(messages: list[Message]) -> str:
    """What the user said last."""
    return next((m.text for m in reversed(messages) if m.role == "user"), "")


def _message(entry: dict[str, Any]) -> Message:
    content = entry.get("content") or ""
    if isinstance(content, list):
        content = " ".join(part.get("text", "") for part in content)
    return Message(entry["role"], content, entry.get("name") or "")


def _refusal(message: str) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": "messages", "code": None}
    return web.json_response({"error": error}, status=400)


def _usage(messages: list[Message], text: str) -> dict[str, int]:
    """Words stand in for tokens: these agents run no model."""
    asked = sum(len(m.text.split()) for m in messages)
    said = len(text.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _head(name: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": 0, "model": name}


def _completion(name: str, text: str, usage: dict[str, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**_head(name, "chat.completion"), "choices": [choice], "usage": usage}


async def _stream(
    request: web.Request, name: str, text: str, usage: dict[str, int] | None
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"content-type": "text/event-stream", "cache-control": "no-cache"}
    )
    await response.prepare(request)
    head = _head(name, "chat.completion.chunk")

    async def send(delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        await response.write(_event({**head, "choices": [choice]}))

    await send({"role": "assistant", "content": ""})
    for word in re.findall(r"\S+\s*", text):
        await send({"content": word})
        await asyncio.sleep(WORD_PAUSE_S)
    await send({}, "stop")
    if usage is not None:
        await response.write(_event({**head, "choices": [], "usage": usage}))
    await response.write(b"data: [DONE]\n\n")
    return response


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
