"""OpenAI Responses."""

import json
from typing import Any

from tests.support.vendors.chat import error, picture
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

__all__ = ["asked", "error", "stream", "whole"]

SIGNATURE = "gAAAAABoPz7kZw"
"""Of thoughts: they themselves, encrypted."""
FIELDS = (
    "model input instructions stream tools tool_choice parallel_tool_calls text reasoning store"
    " include max_output_tokens temperature top_p user metadata service_tier prompt_cache_key"
    " truncation top_logprobs previous_response_id stream_options safety_identifier"
)


def asked(body: dict[str, Any]) -> Asked:
    """Read a request."""
    known(body, FIELDS)
    texts: list[str] = []
    system = [body["instructions"]] if body.get("instructions") else []
    images: list[tuple[str, bytes]] = []
    results: list[tuple[str, str, str]] = []
    signatures: list[str] = []
    calls: dict[str, tuple[str, str]] = {}
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    for item in items:
        match item.get("type", "message"):
            case "message":
                words = _words(item, images)
                if item["role"] in ("system", "developer"):
                    system.append(words)
                elif item["role"] == "user":
                    texts.append(words)
            case "function_call":
                known(item, "type id call_id name arguments status", "function_call")
                must(item.get("id", "fc_").startswith("fc_"), "input.id must begin with 'fc'")
                json.loads(item["arguments"])
                calls[item["call_id"]] = (item["name"], item["arguments"])
            case "function_call_output":
                known(item, "type id call_id output status", "function_call_output")
                must(item["call_id"] in calls, "No tool call found for function call output")
                said = item["output"]
                if not isinstance(said, str):
                    said = "".join(part["text"] for part in said)
                results.append((*calls.pop(item["call_id"]), said))
            case "item_reference":
                ours = item["id"].startswith(("msg_68a", "rs_68a"))
                must(ours, f"Item with id '{item['id']}' not found.")
            case "reasoning":
                known(item, "type id summary content encrypted_content status", "reasoning")
                signatures.append(item["encrypted_content"])
            case other:
                must(False, f"input item {other}")
    wanted = "reasoning.encrypted_content" in body.get("include", ()) or body.get("store", True)
    must(wanted or not body.get("reasoning"), "thoughts would be lost")
    must(not calls, f"No tool output found for function call {list(calls)}")
    return Asked(
        text="\n".join(texts),
        system="\n".join(system),
        stream=bool(body.get("stream")),
        tools=tuple(_tools(body)),
        forced=_forced(body),
        schema=_schema(body),
        results=tuple(results),
        images=tuple(images),
        thinks=bool((body.get("reasoning") or {}).get("summary")),
        limit=body.get("max_output_tokens", 0),
        signatures=tuple(signatures),
    )


def _words(item: dict[str, Any], images: list[tuple[str, bytes]]) -> str:
    known(item, "type id role content status phase", "message")
    if isinstance(item["content"], str):
        return str(item["content"])
    words = []
    said = "output_text" if item["role"] == "assistant" else "input_text"
    for part in item["content"]:
        if part["type"] == "input_image":
            known(part, "type image_url detail", "input_image")
            images.append(picture(part["image_url"]))
        elif part["type"] == "input_file":
            known(part, "type filename file_data", "input_file")
            must(part.get("filename"), "input_file.filename is missing")
            images.append(picture(part["file_data"]))
        else:
            must(part["type"] == said, f"{item['role']} content {part['type']}")
            words.append(part["text"])
    return "".join(words)


def _tools(body: dict[str, Any]) -> list[str]:
    names = []
    for tool in body.get("tools", ()):
        must(tool["type"] == "function", f"tool {tool['type']}")
        known(tool, "type name description parameters strict", "tools")
        if tool.get("strict"):
            closed(tool["parameters"], tool["name"])
        names.append(tool["name"])
    return names


def _forced(body: dict[str, Any]) -> str:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        must(choice["type"] == "function", "tool_choice")
        return str(choice["name"])
    must(choice in (None, "auto", "none", "required"), f"tool_choice {choice}")
    return ""


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    known(body.get("text") or {}, "format verbosity", "text")
    form = (body.get("text") or {}).get("format")
    if form is None or form["type"] == "text":
        return None
    if form["type"] == "json_object":
        must("json" in json.dumps(body["input"]).lower(), "input must contain 'json'")
        return {}
    must(form["type"] == "json_schema", f"text.format {form['type']}")
    known(form, "type name description schema strict", "text.format")
    must(form["name"], "text.format needs a name")
    if form.get("strict"):
        closed(form["schema"], "text.format")
    schema: dict[str, Any] = form["schema"]
    return schema


def _output(turn: Turn) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if turn.thought:
        items.append(
            {
                "id": f"rs_68a{turn.serial}",
                "type": "reasoning",
                "summary": [{"type": "summary_text", "text": turn.thought}],
                "encrypted_content": SIGNATURE,
            }
        )
    if turn.text:
        part = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        items.append(
            {
                "id": f"msg_68a{turn.serial}",
                "type": "message",
                "status": _status(turn),
                "content": [part],
                "role": "assistant",
            }
        )
    for number, (name, arguments) in enumerate(turn.calls):
        items.append(
            {
                "id": f"fc_68a{turn.serial}{number}",
                "type": "function_call",
                "status": "completed",
                "arguments": json.dumps(arguments),
                "call_id": f"call_{turn.serial}{number}",
                "name": name,
            }
        )
    return items


def _status(turn: Turn) -> str:
    return "incomplete" if turn.broken else "completed"


def whole(turn: Turn) -> dict[str, Any]:
    """An answer."""
    return {
        "id": f"resp_68a{turn.serial}",
        "object": "response",
        "created_at": 1764000000,
        "status": _status(turn),
        "background": False,
        "billing": {"payer": "developer"},
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if turn.broken else None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": "gpt-5-mini-2025-08-07",
        "output": _output(turn),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": INPUT,
            "input_tokens_details": {"cached_tokens": CACHED},
            "output_tokens": OUTPUT,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": INPUT + OUTPUT,
        },
        "user": None,
        "metadata": {},
    }


def stream(turn: Turn, body: dict[str, Any]) -> bytes:
    """The same as events."""
    done = whole(turn)
    begun = done | {"status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for at, item in enumerate(done["output"]):
        match item["type"]:
            case "message":
                events += _message(turn, item, at)
            case "reasoning":
                events += _thought(turn, item, at)
            case _:
                events += _call(item, at)
    events.append({"type": f"response.{_status(turn)}", "response": done})
    return b"".join(
        b"event: %b\ndata: %b\n\n"
        % (e["type"].encode(), json.dumps(e | {"sequence_number": n}).encode())
        for n, e in enumerate(events)
    )


def _message(turn: Turn, item: dict[str, Any], at: int) -> list[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": at, "content_index": 0}
    (part,) = item["content"]
    said = {"type": "response.output_text.delta", "logprobs": [], "obfuscation": "8s"} | where
    return [
        {
            "type": "response.output_item.added",
            "output_index": at,
            "item": item | {"status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", "part": part | {"text": ""}} | where,
        *(said | {"delta": piece} for piece in turn.pieces()),
        {"type": "response.output_text.done", "text": turn.text, "logprobs": []} | where,
        {"type": "response.content_part.done", "part": part} | where,
        {"type": "response.output_item.done", "output_index": at, "item": item},
    ]


def _thought(turn: Turn, item: dict[str, Any], at: int) -> list[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": at, "summary_index": 0}
    (part,) = item["summary"]
    begun = item | {"summary": [], "encrypted_content": "gAAAAAB-not-yet"}
    said = {"type": "response.reasoning_summary_text.delta", "obfuscation": "2f"} | where
    return [
        {"type": "response.output_item.added", "output_index": at, "item": begun},
        {"type": "response.reasoning_summary_part.added", "part": part | {"text": ""}} | where,
        *(said | {"delta": piece} for piece in turn.thoughts()),
        {"type": "response.reasoning_summary_text.done", "text": turn.thought} | where,
        {"type": "response.reasoning_summary_part.done", "part": part} | where,
        {"type": "response.output_item.done", "output_index": at, "item": item},
    ]


def _call(item: dict[str, Any], at: int) -> list[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": at}
    words = item["arguments"]
    pieces = [words[n : n + 4] for n in range(0, len(words), 4)]
    said = {"type": "response.function_call_arguments.delta", "obfuscation": "k"} | where
    return [
        {
            "type": "response.output_item.added",
            "output_index": at,
            "item": item | {"status": "in_progress", "arguments": ""},
        },
        *(said | {"delta": piece} for piece in pieces),
        {"type": "response.function_call_arguments.done", "arguments": words} | where,
        {"type": "response.output_item.done", "output_index": at, "item": item},
    ]
