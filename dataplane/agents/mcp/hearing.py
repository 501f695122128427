"""What the tool that is an agent has answered, in words.

Rule: only a result that is none of an error is an answer; a tool that failed is an agent that did,
with the tool's own words.
"""

import re

from dataplane.agents.a2a.values import ENCODER, Json, mapping, objects, text
from dataplane.llm.hub.answer import Failure
from dataplane.mcp.message import Code, Message, value

FAILED = 424
"""A tool that says it failed is not called again: it was there, and did what it could."""
_OURS = (Code.INVALID_PARAMS, Code.INVALID_REQUEST, Code.METHOD_NOT_FOUND, Code.PARSE_ERROR)
"""Errors with which a server refuses how it is called: another attempt would be called likewise."""
_KINDS = re.compile(r"[a-z_]{1,24}")


def said(response: Message) -> str | Failure:
    """The words of a response."""
    error = response.members.get("error")
    if error is not None:
        return _error(mapping(value(error)))
    found = mapping(value(response.members.get("result")))
    content = objects(found.get("content"))
    words = "\n\n".join(filter(None, map(_words, content)))
    if found.get("isError") is True:
        return Failure(FAILED, words or "The tool failed and does not say why.", code="tool_error")
    if found.get("resultType", "complete") != "complete":
        told = "The tool asks for input, which an agent behind a listener cannot be given."
        return Failure(FAILED, told, code="input_required")
    if words:
        return words
    if found.get("structuredContent") is not None:
        return ENCODER.encode(found["structuredContent"]).decode()
    if not isinstance(found.get("content"), list):
        return Failure(502, "What it answered is no result of a tool.")
    kinds = sorted({text(one.get("type")) for one in content} - {"text", ""})
    if not kinds:
        return ""
    shown = ", ".join(kind for kind in kinds if _KINDS.fullmatch(kind))
    return Failure(502, f"The tool's answer has no words: it is {shown or 'of no known type'}.")


def _words(part: Json) -> str:
    """A part of the content in plain text: a resource by its text or its address."""
    match part.get("type"):
        case "text":
            return text(part.get("text"))
        case "resource":
            return text(mapping(part.get("resource")).get("text"))
        case "resource_link" if text(part.get("uri")):
            return f"[{text(part.get('title')) or text(part.get('name'))}]({part['uri']})"
        case _:
            return ""


def _error(error: Json) -> Failure:
    code = error.get("code")
    told = text(error.get("message")) or "it told an error without words"
    return Failure(FAILED if code in _OURS else 502, told, code=str(code or ""))
