"""Bedrock's Converse, as Anthropic's models answer there."""

import base64
import json
from typing import Any

from tests.support.aws_frames import of_line
from tests.support.bedrock import problems_of_request
from tests.support.vendors.conversation import (
    CACHED,
    INPUT,
    OUTPUT,
    Asked,
    Turn,
    closed,
    must,
)

SIGNATURE = "ErUBCkgIARABGAIi"
"""Of thoughts."""
USAGE = {
    "inputTokens": INPUT - CACHED,
    "outputTokens": OUTPUT,
    "totalTokens": INPUT + OUTPUT,
    "cacheReadInputTokens": CACHED,
    "cacheWriteInputTokens": 0,
}


def asked(body: dict[str, Any]) -> Asked:
    """Read a request."""
    problems = problems_of_request(json.dumps(body).encode())
    must(not problems, "; ".join(problems))
    texts: list[str] = []
    images: list[tuple[str, bytes]] = []
    results: list[tuple[str, str, str]] = []
    signatures: list[str] = []
    open_calls: dict[str, tuple[str, str]] = {}
    role = "assistant"
    for message in body["messages"]:
        must(message["role"] != role, "roles must alternate between 'user' and 'assistant'")
        role = message["role"]
        blocks = message["content"]
        if open_calls:
            answered = {b["toolResult"]["toolUseId"] for b in blocks if "toolResult" in b}
            must(answered == set(open_calls), "Expected toolResult blocks for all toolUse ids")
        for block in blocks:
            if "reasoningContent" in block:
                thought = block["reasoningContent"].get("reasoningText", {})
                must(thought.get("signature", SIGNATURE) == SIGNATURE, "Invalid signature")
                signatures += [thought["signature"]] if "signature" in thought else []
            elif "text" in block:
                must(block["text"].strip(), "The text field in the ContentBlock is blank")
                texts += [block["text"]] if role == "user" else []
            elif "document" in block:
                paper = block["document"]
                data = base64.b64decode(paper["source"]["bytes"], validate=True)
                images.append((f"application/{paper['format']}", data))
            elif "image" in block:
                image = block["image"]
                data = base64.b64decode(image["source"]["bytes"], validate=True)
                images.append((f"image/{image['format']}", data))
            elif "toolUse" in block:
                call = block["toolUse"]
                open_calls[call["toolUseId"]] = (call["name"], json.dumps(call["input"]))
            elif "toolResult" in block:
                told = block["toolResult"]
                said = "".join(
                    part["text"] if "text" in part else json.dumps(part["json"])
                    for part in told["content"]
                )
                results.append((*open_calls.pop(told["toolUseId"]), said))
    must(not results or "toolConfig" in body, "The toolConfig field must be defined")
    return Asked(
        text="\n".join(texts),
        system="\n".join(block["text"] for block in body.get("system", ()) if "text" in block),
        tools=tuple(
            tool["toolSpec"]["name"]
            for tool in body.get("toolConfig", {}).get("tools", ())
            if "toolSpec" in tool
        ),
        forced=str(
            body.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name", "")
        ),
        schema=_schema(body),
        results=tuple(results),
        images=tuple(images),
        thinks="thinking" in body.get("additionalModelRequestFields", {}),
        limit=body.get("inferenceConfig", {}).get("maxTokens", 0),
        stops=tuple(body.get("inferenceConfig", {}).get("stopSequences", ())),
        signatures=tuple(signatures),
    )


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    form = body.get("outputConfig", {}).get("textFormat")
    if form is None:
        return None
    schema: dict[str, Any] = json.loads(form["structure"]["jsonSchema"]["schema"])
    closed(schema, "outputConfig")
    return schema


def _ids(turn: Turn) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (f"tooluse_Xq-8_{turn.serial}{number}", name, arguments)
        for number, (name, arguments) in enumerate(turn.calls)
    ]


def _stop(turn: Turn) -> str:
    return "tool_use" if turn.calls else "max_tokens" if turn.broken else "end_turn"


def whole(turn: Turn) -> dict[str, Any]:
    """An answer."""
    content: list[dict[str, Any]] = [{"text": turn.text}] if turn.text else []
    if turn.thought:
        thought = {"text": turn.thought, "signature": SIGNATURE}
        content.insert(0, {"reasoningContent": {"reasoningText": thought}})
    content += [
        {"toolUse": {"toolUseId": one, "name": name, "input": arguments}}
        for one, name, arguments in _ids(turn)
    ]
    return {
        "metrics": {"latencyMs": 812},
        "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": _stop(turn),
        "usage": USAGE,
    }


def stream(turn: Turn, body: dict[str, Any]) -> bytes:
    """The same as frames, padded: text has no start, a call has."""
    events: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    at = 0
    thoughts: list[dict[str, Any]] = [{"text": piece} for piece in turn.thoughts()]
    if thoughts:
        thoughts.append({"signature": SIGNATURE})
    texts = [{"text": piece} for piece in turn.pieces()]
    for deltas in ([{"reasoningContent": one} for one in thoughts], texts):
        if deltas:
            events += [
                ("contentBlockDelta", {"contentBlockIndex": at, "delta": delta}) for delta in deltas
            ]
            events.append(("contentBlockStop", {"contentBlockIndex": at}))
            at += 1
    for index, (one, name, arguments) in enumerate(_ids(turn), at):
        start = {"toolUse": {"toolUseId": one, "name": name}}
        words = json.dumps(arguments)
        pieces = ["", *(words[n : n + 6] for n in range(0, len(words), 6))]
        events.append(("contentBlockStart", {"contentBlockIndex": index, "start": start}))
        events += [
            (
                "contentBlockDelta",
                {"contentBlockIndex": index, "delta": {"toolUse": {"input": piece}}},
            )
            for piece in pieces
        ]
        events.append(("contentBlockStop", {"contentBlockIndex": index}))
    events.append(("messageStop", {"stopReason": _stop(turn)}))
    events.append(("metadata", {"metrics": {"latencyMs": 812}, "usage": USAGE}))
    return b"".join(
        of_line(json.dumps({"event-type": name, "payload": payload | {"p": "abcdefgh"}}))
        for name, payload in events
    )


def error(status: int, sentence: str) -> dict[str, Any]:
    """A refusal; its name is in a header."""
    return {"message": sentence}
