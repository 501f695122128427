"""OpenAI chat completions."""

import base64
import json
from typing import Any

from tests.support.vendors.conversation import (
    CACHED,
    INPUT,
    OUTPUT,
    Asked,
    Turn,
    closed,
    known,
    must,
)

FIELDS = (
    "model messages stream stream_options tools tool_choice parallel_tool_calls response_format"
    " max_tokens max_completion_tokens temperature top_p n stop seed user metadata store"
    " frequency_penalty presence_penalty logprobs top_logprobs reasoning_effort verbosity"
    " service_tier prompt_cache_key logit_bias"
)
UNSAID = ("annotations", "provider_specific_fields", "reasoning_content")
USAGE = {
    "prompt_tokens": INPUT,
    "completion_tokens": OUTPUT,
    "total_tokens": INPUT + OUTPUT,
    "prompt_tokens_details": {"cached_tokens": CACHED, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def asked(body: dict[str, Any]) -> Asked:
    """Read a request."""
    known(body, FIELDS)
    must("stream_options" not in body or body.get("stream"), "stream_options without stream")
    texts: list[str] = []
    system: list[str] = []
    images: list[tuple[str, bytes]] = []
    results: list[tuple[str, str, str]] = []
    open_calls: dict[str, tuple[str, str]] = {}
    for one in body["messages"]:
        # Not in OpenAI's reference, and it passes over them.
        message = {name: one[name] for name in one if name not in UNSAID}
        role = message["role"]
        must(role in ("system", "developer", "user", "assistant", "tool"), f"role {role}")
        must(role == "tool" or not open_calls, "tool_calls must be followed by tool messages")
        if role == "assistant":
            said = {name: value for name, value in message.items() if value is not None}
            known(said, "role content tool_calls refusal name", "assistant")
            must(message.get("content") or message.get("tool_calls"), "content is missing")
            for call in message.get("tool_calls", ()):
                known(call, "id type function index", "tool_calls")
                function = call["function"]
                json.loads(function["arguments"])
                open_calls[call["id"]] = (function["name"], function["arguments"])
            continue
        words = _words(message["content"], images)
        if role == "tool":
            known(message, "role content tool_call_id name", "tool")
            must(message["tool_call_id"] in open_calls, "tool_call_id did not have a call")
            results.append((*open_calls.pop(message["tool_call_id"]), words))
        else:
            known(message, "role content name", role)
            (texts if role == "user" else system).append(words)
    must(not open_calls, "tool_calls must be followed by tool messages")
    return Asked(
        text="\n".join(texts),
        system="\n".join(system),
        stream=bool(body.get("stream")),
        tools=tuple(_tools(body)),
        forced=_forced(body),
        schema=_schema(body),
        results=tuple(results),
        images=tuple(images),
        thinks="zz-think" in "".join(texts),  # as DeepSeek's, unasked
        limit=body.get("max_completion_tokens", body.get("max_tokens", 0)),
        stops=tuple(body.get("stop") or ()),
    )


def _words(content: Any, images: list[tuple[str, bytes]]) -> str:
    if isinstance(content, str):
        return content
    words = []
    for part in content:
        if part["type"] == "text":
            known(part, "type text", "content part")
            words.append(part["text"])
        elif part["type"] == "file":
            known(part["file"], "filename file_data", "file")
            must(part["file"].get("filename"), "file.filename is missing")
            images.append(picture(part["file"]["file_data"]))
        else:
            must(part["type"] == "image_url", f"content part {part['type']}")
            known(part["image_url"], "url detail", "image_url")
            images.append(picture(part["image_url"]["url"]))
    return "".join(words)


def picture(url: str) -> tuple[str, bytes]:
    """An image by its (data) URL."""
    if not url.startswith("data:"):
        return "url", url.encode()
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    return kind, base64.b64decode(data, validate=True)


def _tools(body: dict[str, Any]) -> list[str]:
    names = []
    for tool in body.get("tools", ()):
        known(tool, "type function", "tools")
        function = tool["function"]
        known(function, "name description parameters strict", "function")
        must(function.get("parameters", {"type": "object"})["type"] == "object", "parameters")
        if function.get("strict"):
            closed(function["parameters"], function["name"])
        names.append(function["name"])
    must(names or "tool_choice" not in body, "tool_choice without tools")
    return names


def _forced(body: dict[str, Any]) -> str:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        must(choice["type"] == "function", "tool_choice")
        return str(choice["function"]["name"])
    must(choice in (None, "auto", "none", "required"), f"tool_choice {choice}")
    return ""


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    form = body.get("response_format")
    if form is None or form["type"] == "text":
        return None
    if form["type"] == "json_object":
        must("json" in json.dumps(body["messages"]).lower(), "messages must contain 'json'")
        return {}
    must(form["type"] == "json_schema", f"response_format {form['type']}")
    known(form["json_schema"], "name description schema strict", "json_schema")
    must(form["json_schema"]["name"], "response_format needs a name")
    schema: dict[str, Any] = form["json_schema"]["schema"]
    if form["json_schema"].get("strict"):
        closed(schema, "response_format")
    return schema


def _calls(turn: Turn) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{turn.serial}{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(turn.calls)
    ]


def _stop(turn: Turn) -> str:
    return "tool_calls" if turn.calls else "length" if turn.broken else "stop"


def whole(turn: Turn) -> dict[str, Any]:
    """An answer."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": None}
    message["annotations"] = []
    if turn.thought:
        message["reasoning_content"] = turn.thought
    if turn.calls:
        message["tool_calls"] = _calls(turn)
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _stop(turn),
    }
    return {
        "id": f"chatcmpl-CzQ1a{turn.serial}",
        "object": "chat.completion",
        "created": 1764000000,
        "model": "gpt-4o-2024-08-06",
        "choices": [choice],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_4f2c1",
    }


def stream(turn: Turn, body: dict[str, Any]) -> bytes:
    """The same as events; usage only when it is asked for."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    if turn.thought:
        deltas += [{"reasoning_content": piece} for piece in turn.thoughts()]
    deltas += [{"content": piece} for piece in turn.pieces()]
    for index, call in enumerate(_calls(turn)):
        words = call["function"]["arguments"]
        head = call | {"index": index, "function": call["function"] | {"arguments": ""}}
        pieces = [words[at : at + 4] for at in range(0, len(words), 4)]
        deltas.append({"tool_calls": [head]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": p}}]} for p in pieces]
    asks = bool((body.get("stream_options") or {}).get("include_usage"))
    base = {
        "id": f"chatcmpl-CzQ1a{turn.serial}",
        "object": "chat.completion.chunk",
        "created": 1764000000,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_4f2c1",
    } | ({"usage": None} if asks else {})
    ends = [*((delta, None) for delta in deltas), ({}, _stop(turn))]
    chunks = [
        base
        | {
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}],
            "obfuscation": "x7Qd",
        }
        for delta, end in ends
    ]
    if asks:
        chunks.append(base | {"choices": [], "usage": USAGE, "obfuscation": ""})
    return b"".join(b"data: %b\n\n" % json.dumps(c).encode() for c in chunks) + b"data: [DONE]\n\n"


def error(status: int, sentence: str) -> dict[str, Any]:
    """A refusal."""
    kind = {400: "invalid_request_error", 429: "requests"}[status]
    code = {429: "rate_limit_exceeded"}.get(status)
    return {"error": {"message": sentence, "type": kind, "param": None, "code": code}}
