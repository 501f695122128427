"""Anthropic Messages."""

import base64
import json
from typing import Any

from tests.support.vendors.conversation import (
    CACHED,
    INPUT,
    OUTPUT,
    Asked,
    Declined,
    Turn,
    closed,
    known,
    must,
)

SIGNATURE = "EqQBCgIYAhIkOsTh"
"""Of thoughts."""
EMPTY: dict[str, dict[str, Any]] = {
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": ""},
    "tool_use": {"input": {}},
}
"""What a block has when it starts."""
FIELDS = (
    "model max_tokens messages system stream tools tool_choice output_config thinking metadata"
    " temperature top_p top_k stop_sequences service_tier cache_control"
)

TOOL = "type name description input_schema strict cache_control eager_input_streaming"

NO_THREADS = "thread: not for this model"


def asked(body: dict[str, Any]) -> Asked:
    """Read a request. Threads are for some models only, and for others than this one."""
    if "thread" in body:
        raise Declined(NO_THREADS)
    known(body, FIELDS)
    must(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
    texts: list[str] = []
    images: list[tuple[str, bytes]] = []
    results: list[tuple[str, str, str]] = []
    signatures: list[str] = []
    thinks = (body.get("thinking") or {"type": "disabled"})["type"] != "disabled"
    open_calls: dict[str, tuple[str, str]] = {}
    must(body["messages"][0]["role"] == "user", "messages: first message must use the user role")
    for message in body["messages"]:
        known(message, "role content", "message")
        must(message["role"] in ("user", "assistant"), f"messages: role {message['role']}")
        blocks = message["content"]
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        must(blocks, "messages: content must not be empty")
        kinds = [block["type"] for block in blocks]
        must(
            not thinks or "tool_use" not in kinds or kinds[0].endswith("thinking"),
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
        )
        if open_calls:
            answered = {b["tool_use_id"] for b in blocks if b["type"] == "tool_result"}
            must(answered == set(open_calls), "`tool_use` ids without `tool_result` blocks")
        for at, block in enumerate(blocks):
            match block["type"]:
                case "text":
                    known(block, "type text cache_control citations", "text")
                    must(block["text"].strip(), "text content blocks must be non-empty")
                    if message["role"] == "user":
                        texts.append(block["text"])
                case "document":
                    known(block, "type source title context citations cache_control", "document")
                    images.append(_picture(block["source"]))
                case "image":
                    images.append(_picture(block["source"]))
                case "tool_use":
                    known(block, "type id name input cache_control", "tool_use")
                    must(isinstance(block["input"], dict), "tool_use.input: not a dictionary")
                    open_calls[block["id"]] = (block["name"], json.dumps(block["input"]))
                case "tool_result":
                    known(block, "type tool_use_id content is_error cache_control", "tool_result")
                    must(block["tool_use_id"] in open_calls, "unexpected `tool_use_id`")
                    before = {b["type"] for b in blocks[:at]}
                    must(before <= {"tool_result"}, "tool_result blocks must come first")
                    said = block["content"]
                    if not isinstance(said, str):
                        said = "".join(part["text"] for part in said)
                    results.append((*open_calls.pop(block["tool_use_id"]), said))
                case "thinking":
                    known(block, "type thinking signature", "thinking")
                    must(block["signature"] == SIGNATURE, "Invalid `signature` in `thinking`")
                    signatures.append(block["signature"])
                case other:
                    must(other == "redacted_thinking", f"block {other}")
    must(not open_calls, "`tool_use` ids were found without `tool_result` blocks")
    system = body.get("system", "")
    if not isinstance(system, str):
        system = "\n".join(block["text"] for block in system)
    return Asked(
        text="\n".join(texts),
        system=system,
        stream=bool(body.get("stream")),
        tools=tuple(_tools(body)),
        forced=_forced(body),
        schema=_schema(body),
        results=tuple(results),
        images=tuple(images),
        thinks=thinks,
        limit=body["max_tokens"],
        stops=tuple(body.get("stop_sequences", ())),
        signatures=tuple(signatures),
    )


def _picture(source: dict[str, Any]) -> tuple[str, bytes]:
    if source["type"] == "url":
        return "url", str(source["url"]).encode()
    must(source["type"] == "base64", f"image source {source['type']}")
    known(source, "type media_type data", "source")
    return str(source["media_type"]), base64.b64decode(source["data"], validate=True)


def _tools(body: dict[str, Any]) -> list[str]:
    names = []
    for tool in body.get("tools", ()):
        if tool.get("type") == "web_search_20250305":
            known(tool, "type name user_location max_uses", "tools")
            continue
        must(tool.get("type", "custom") == "custom", f"tool {tool.get('type')}")
        known(tool, TOOL, "tools")
        must(tool["input_schema"]["type"] == "object", "tools: input_schema.type")
        if tool.get("strict"):
            closed(tool["input_schema"], tool["name"])
        names.append(tool["name"])
    must(names or "tool_choice" not in body, "tool_choice: may only be given with tools")
    return names


def _forced(body: dict[str, Any]) -> str:
    choice = body.get("tool_choice") or {"type": "auto"}
    known(choice, "type name disable_parallel_tool_use", "tool_choice")
    must(choice["type"] in ("auto", "any", "tool", "none"), "tool_choice")
    return str(choice.get("name", ""))


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    config = body.get("output_config") or {}
    known(config, "format effort", "output_config")
    form = config.get("format")
    if form is None:
        return None
    known(form, "type schema", "output_config.format")
    must(form["type"] == "json_schema", "output_config.format.type")
    schema: dict[str, Any] = form["schema"]
    must(schema.get("additionalProperties") is False, "output_config.format: additionalProperties")
    return schema


USAGE = {
    "input_tokens": INPUT - CACHED,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": CACHED,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": OUTPUT,
    "service_tier": "standard",
}


def _stop(turn: Turn) -> str:
    return "tool_use" if turn.calls else "max_tokens" if turn.broken else "end_turn"


def whole(turn: Turn) -> dict[str, Any]:
    """An answer."""
    content: list[dict[str, Any]] = []
    if turn.thought:
        thought = {"type": "thinking", "thinking": turn.thought, "signature": SIGNATURE}
        content.append(thought)
    if turn.text:
        content.append({"type": "text", "text": turn.text})
    content += [
        {
            "type": "tool_use",
            "id": f"toolu_01A{turn.serial}{number}",
            "name": name,
            "input": arguments,
        }
        for number, (name, arguments) in enumerate(turn.calls)
    ]
    return {
        "model": "claude-sonnet-4-5-20250929",
        "id": f"msg_01XFDUDYJgAACzvnptvVo{turn.serial}",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": _stop(turn),
        "stop_sequence": None,
        "usage": USAGE,
    }


def stream(turn: Turn, body: dict[str, Any]) -> bytes:
    """The same as events, with a ping as Anthropic sends them."""
    done = whole(turn)
    begun = done | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for at, block in enumerate(done["content"]):
        kind = block["type"]
        nothing: dict[str, Any] = EMPTY[kind]
        start = {"type": "content_block_start", "index": at, "content_block": block | nothing}
        events.append(start)
        if at == 0:
            events.append({"type": "ping"})
        if kind == "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in turn.thoughts()]
            deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        elif kind == "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in turn.pieces()]
        else:
            words = json.dumps(block["input"])
            pieces = ["", *(words[n : n + 6] for n in range(0, len(words), 6))]
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        events += [{"type": "content_block_delta", "index": at, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": at})
    end = {"stop_reason": done["stop_reason"], "stop_sequence": None}
    used = {name: USAGE[name] for name in USAGE if name.endswith("_tokens")}
    events += [{"type": "message_delta", "delta": end, "usage": used}, {"type": "message_stop"}]
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events
    )


def counted() -> dict[str, Any]:
    """An answer of count_tokens."""
    return {"input_tokens": INPUT}


def error(status: int, sentence: str) -> dict[str, Any]:
    """A refusal."""
    kind = {400: "invalid_request_error", 429: "rate_limit_error"}[status]
    said: dict[str, Any] = {"type": kind, "message": sentence}
    if sentence.endswith(NO_THREADS):
        said["details"] = {"error_code": "thread_unsupported_request", "unsupported": ["model"]}
    return {"type": "error", "error": said, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}
