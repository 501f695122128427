"""Gemini's generateContent, as gemini-2.5 speaks it: calls without ids, with a signature."""

import base64
import json
import re
from typing import Any

from tests.support.vendors.conversation import CACHED, INPUT, OUTPUT, Asked, Turn, known, must

FIELDS = (
    "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent"
    " labels serviceTier store"
)
CONFIG = (
    "maxOutputTokens temperature topP topK candidateCount stopSequences seed presencePenalty"
    " frequencyPenalty responseMimeType responseSchema responseJsonSchema thinkingConfig"
    " responseModalities responseLogprobs logprobs"
)


SIGNATURE = "CiQB0e2Kb0tPZ3Fh"
"""Of the first call of a turn."""
FREE = ("args", "response", "parametersJsonSchema", "responseJsonSchema", "labels")


def camel(said: Any) -> Any:
    """Names as JSON has them: like every server of Google's, it takes those of the proto too."""
    if isinstance(said, list):
        return [camel(one) for one in said]
    if not isinstance(said, dict):
        return said
    made = {re.sub("_([a-z])", lambda at: at[1].upper(), name): said[name] for name in said}
    return {name: one if name in FREE else camel(one) for name, one in made.items()}


def asked(body: dict[str, Any]) -> Asked:
    """Read a request."""
    body = camel(body)
    known(body, FIELDS)
    texts: list[str] = []
    images: list[tuple[str, bytes]] = []
    results: list[tuple[str, str, str]] = []
    calls: list[dict[str, Any]] = []
    signatures: list[str] = []
    for content in body["contents"]:
        known(content, "role parts", "contents")
        must(content.get("role") in ("user", "model"), "Please use a valid role: user, model.")
        must(content["parts"], "contents.parts must not be empty")
        answers = []
        for part in content["parts"]:
            if "thoughtSignature" in part and "functionCall" in part:
                signatures.append(part["thoughtSignature"])
            known(
                part,
                "text inlineData fileData functionCall functionResponse thoughtSignature thought",
                "parts",
            )
            if "text" in part and content["role"] == "user":
                texts.append(part["text"])
            elif "inlineData" in part:
                data = part["inlineData"]
                images.append((data["mimeType"], base64.b64decode(data["data"], validate=True)))
            elif "fileData" in part:
                images.append(("url", part["fileData"]["fileUri"].encode()))
            elif "functionCall" in part:
                known(part["functionCall"], "id name args", "functionCall")
                calls.append(part["functionCall"])
            elif "functionResponse" in part:
                answers.append(part["functionResponse"])
        if answers:
            must(
                [one["name"] for one in answers] == [one["name"] for one in calls],
                "the number of function response parts must equal that of function call parts",
            )
            for call, said in zip(calls, answers, strict=True):
                must(isinstance(said["response"], dict), "functionResponse.response: no Struct")
                *_, words = said["response"].values()
                results.append((call["name"], json.dumps(call.get("args", {})), str(words)))
            calls = []
    must(not calls, "function call turn must be followed by a function response turn")
    system = "\n".join(p["text"] for p in body.get("systemInstruction", {}).get("parts", ()))
    return Asked(
        text="\n".join(texts),
        system=system,
        tools=tuple(_tools(body)),
        forced=_forced(body),
        schema=_schema(body),
        results=tuple(results),
        images=tuple(images),
        thinks=bool(
            body.get("generationConfig", {}).get("thinkingConfig", {}).get("includeThoughts")
        ),
        limit=body.get("generationConfig", {}).get("maxOutputTokens", 0),
        stops=tuple(body.get("generationConfig", {}).get("stopSequences", ())),
        signatures=tuple(signatures),
    )


def _tools(body: dict[str, Any]) -> list[str]:
    names = []
    for tool in body.get("tools", ()):
        known(tool, "functionDeclarations", "tools")
        for function in tool["functionDeclarations"]:
            known(
                function,
                "name description parameters parametersJsonSchema response responseJsonSchema",
                "functions",
            )
            both = "parameters" in function and "parametersJsonSchema" in function
            must(not both, "parameters and parametersJsonSchema are mutually exclusive")
            names.append(function["name"])
    return names


def _forced(body: dict[str, Any]) -> str:
    config = body.get("toolConfig", {}).get("functionCallingConfig", {})
    known(config, "mode allowedFunctionNames", "functionCallingConfig")
    must(config.get("mode", "AUTO") in ("AUTO", "ANY", "NONE", "VALIDATED"), "mode")
    names = config.get("allowedFunctionNames", ())
    return str(names[0]) if len(names) == 1 else ""


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    config = body.get("generationConfig", {})
    known(config, CONFIG, "generationConfig")
    both = "responseSchema" in config and "responseJsonSchema" in config
    must(not both, "responseSchema and responseJsonSchema are mutually exclusive")
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    is_json = config.get("responseMimeType") == "application/json"
    must(schema is None or is_json, "a response schema needs responseMimeType application/json")
    return schema if schema is not None else ({} if is_json else None)


def _chunk(turn: Turn, parts: list[dict[str, Any]], last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = "MAX_TOKENS" if turn.broken else "STOP"
    usage: dict[str, Any] = {
        "promptTokenCount": INPUT,
        "candidatesTokenCount": OUTPUT if last else 1,
        "totalTokenCount": INPUT + (OUTPUT if last else 1),
        "cachedContentTokenCount": CACHED,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT}],
    }
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash",
        "responseId": f"Y2lnaGVhZC1h{turn.serial}",
    }


def _calls(turn: Turn) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"functionCall": {"name": name, "args": arguments}} for name, arguments in turn.calls
    ]
    if parts:
        parts[0]["thoughtSignature"] = SIGNATURE
    return parts


def whole(turn: Turn) -> dict[str, Any]:
    """An answer."""
    said: list[dict[str, Any]] = [{"text": turn.text}] if turn.text else []
    if turn.thought:
        said.insert(0, {"text": turn.thought, "thought": True})
    return _chunk(turn, [*said, *_calls(turn)], last=True)


def stream(turn: Turn, body: dict[str, Any]) -> bytes:
    """The same as events: all calls come in one of them."""
    groups: list[list[dict[str, Any]]] = [
        [{"text": piece, "thought": True}] for piece in turn.thoughts()
    ]
    groups += [[{"text": piece}] for piece in turn.pieces()]
    if turn.calls:
        groups.append(_calls(turn))
    chunks = [_chunk(turn, parts, at == len(groups) - 1) for at, parts in enumerate(groups)]
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(chunk).encode() for chunk in chunks)


def counted() -> dict[str, Any]:
    """An answer of countTokens."""
    return {
        "totalTokens": INPUT,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT}],
    }


def error(status: int, sentence: str) -> dict[str, Any]:
    """A refusal."""
    word = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED"}[status]
    return {"error": {"code": status, "message": sentence, "status": word}}
