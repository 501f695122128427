"""The body of POST /v1/responses -> Request.

Rule: items that belong to one turn of the assistant (reasoning, words, calls) become one message,
as other protocols want them; nothing else is joined.
"""

from typing import Final

import msgspec
from msgspec.structs import astuple

from dataplane.llm.hub.literals import whole_characters
from dataplane.llm.hub.parts import Part, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Message, OutputFormat, Reasoning, Request
from dataplane.llm.hub.seal import opened
from dataplane.llm.translate.responses.body import (
    ADDITIONAL,
    BODY,
    NOTHING_RARE,
    RARE,
    Body,
    WireText,
)
from dataplane.llm.translate.responses.read_items import EMPTY_HANDED, Said, read_item
from dataplane.llm.translate.responses.read_parts import ItemError
from dataplane.llm.translate.responses.read_tools import Tools, read_choice, read_tools
from dataplane.llm.translate.responses.response import REPEATED
from dataplane.llm.translate.responses.wire import is_null, is_object
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RESPONSES: Final = Protocol.RESPONSES
_ENCODER: Final = msgspec.json.Encoder()
_KNOWN: Final = frozenset(Body.__struct_fields__)
_HINTS: Final = (
    "client_metadata",
    "prompt_cache_retention",
    "prompt_cache_options",
    "context_management",
    "background_options",
    "image",
)
"""Top-level fields that advise the service and say nothing to the model."""
_CARRIED: Final = ("reasoning.encrypted_content", "message.output_text.logprobs")
"""What can be included in answers of any protocol."""
_SAID: Final = {
    "system": "instructions",
    "output": "text.format",
    "verbosity": "text.verbosity",
    "logprobs": "include: message.output_text.logprobs",
}


def read_request(body: bytes, model: str, stream: bool) -> Request | LocalReply:
    """A client's request, or a 400 that says what is wrong with it."""
    found = _read(body, model, stream)
    if isinstance(found, LocalReply) and b"\\ud" in body.lower():
        return _read(whole_characters(body), model, stream)
    return found


def _read(body: bytes, model: str, stream: bool) -> Request | LocalReply:
    try:
        # msgspec does not look at the bytes of strings it skips.
        body.decode()
        fields = _FIELDS.decode(body)
        wire = BODY.decode(body)
        if wire.input is None:
            raise ItemError("input: a text or a list of items is needed")
        whose = model or wire.model or ""
        return _request(body, wire, fields, whose, stream or wire.stream is True)
    except (msgspec.ValidationError, ItemError) as problem:
        return LocalReply(
            400, f"The request is not a Responses request: {problem}.", ResponseDetail.INVALID_BODY
        )
    except (ValueError, RecursionError) as problem:
        return LocalReply(
            400, f"The request's body is not valid JSON: {problem}.", ResponseDetail.INVALID_JSON
        )


def _request(
    body: bytes, wire: Body, fields: dict[str, msgspec.Raw], model: str, stream: bool
) -> Request:
    # (an addition by an item is looked for in the whole body: bodies that have none are not walked)
    tools = _tools(wire, body.find(b'"additional_tools"') >= 0)
    request = Request(
        model,
        stream,
        _RESPONSES,
        messages=[],
        tools=tools.tools,
        parallel_tool_calls=wire.parallel_tool_calls,
        max_output_tokens=wire.max_output_tokens,
        temperature=wire.temperature,
        include_usage=True,
        # What is kept, the gateway keeps, or nobody: no other protocol means the same by it.
        store=False if wire.store is False else None,
        previous_response_id=wire.previous_response_id or "",
        prompt_cache_key=wire.prompt_cache_key or "",
        said=dict(_SAID),
        echo={name: raw.copy() for name, raw in fields.items() if name in REPEATED},
    )
    if tools.hints:
        request.hints += tools.hints
    if wire.instructions:
        request.system.append(Text(wire.instructions))
    if isinstance(wire.input, str):
        request.messages.append(Message("user", [Text(wire.input)], at="input"))
    else:
        _Turns(request, tools).read(wire.input or [])
    has_rare = astuple(wire)[RARE] != NOTHING_RARE
    if has_rare or wire.include:
        _sampling(request, wire)
    _shape(request, wire)
    if has_rare:
        _identity(request, wire)
    if not is_null(wire.tool_choice):
        request.tool_choice = read_choice(wire.tool_choice, tools)
        if request.tool_choice is None:
            request.unknown.append("tool_choice")
    for name in fields if not fields.keys() <= _KNOWN else ():
        if name not in _KNOWN and not is_null(fields[name]):
            (request.hints if name in _HINTS else request.unknown).append(name)
    return request


def _tools(wire: Body, more: bool) -> Tools:
    """Those of the request and, when there are `more`, those that items add."""
    if not wire.tools and not more:
        return Tools()
    raws = list(wire.tools or ())
    for item in wire.input if more and isinstance(wire.input, list) else ():
        if b'"additional_tools"' in bytes(item):
            try:
                said = read_item(item, "input")
                if said.kind == "additional_tools":
                    raws += ADDITIONAL.decode(item).tools or ()
            except msgspec.MsgspecError as problem:
                raise ItemError(f"input: {problem}") from problem
    return read_tools(raws)


class _Turns:
    """Joins items to messages."""

    def __init__(self, request: Request, tools: Tools) -> None:
        self._request = request
        self._messages = request.messages
        self._tools = tools
        self._open: Message | None = None
        """The message that the next item may join."""

    def read(self, items: list[msgspec.Raw]) -> None:
        for number, raw in enumerate(items):
            at = f"input[{number}]"
            said = read_item(raw, at)
            if said.kind == "additional_tools":
                continue
            if said.kind in EMPTY_HANDED:
                self._request.hints.append(f"{at}: {said.kind}")
                continue
            if said.phase:
                self._request.hints.append(f"{at}.phase")
            self._take(said, at)

    def _take(self, said: Said, at: str) -> None:
        for part in said.parts:
            if isinstance(part, ToolCall):
                part.name = self._tools.name_of(part.namespace, part.name)
                part.signature = self._carried()
        if said.role in ("system", "developer"):
            if not self._messages and all(isinstance(part, Text) for part in said.parts):
                self._request.system += said.parts
                return
        elif (open_ := self._joinable(said)) is not None:
            open_.parts += said.parts
            return
        self._open = Message(said.role, said.parts, at=at)
        self._messages.append(self._open)
        if said.whole and said.role != "assistant":
            self._open = None

    def _carried(self) -> str:
        """The signature of a call travels in an item without words before it, because calls have
        no field for one. Gemini's stay there: its writer knows.
        """
        before = self._open.parts[-1] if self._open is not None and self._open.parts else None
        if isinstance(before, Thinking) and before.redacted:
            return before.signature if opened(before.signature, Protocol.CHAT) else ""
        return ""

    def _joinable(self, said: Said) -> Message | None:
        """The open message, when the item goes on with it."""
        message = self._open
        if message is None or message.role != said.role:
            return None
        if said.whole and (said.role == "user" or _has_spoken(message.parts)):
            return None
        return message


def _has_spoken(parts: list[Part]) -> bool:
    """Whether words of an earlier message would run into those of the next one. A call in between
    must not be parted from its answer, so there they stay together.
    """
    return bool(parts) and isinstance(parts[-1], Text)


def _sampling(request: Request, wire: Body) -> None:
    request.top_p = wire.top_p
    request.presence_penalty = wire.presence_penalty
    request.frequency_penalty = wire.frequency_penalty
    include = wire.include or ()
    if _CARRIED[1] in include:
        request.logprobs = True
        request.top_logprobs = wire.top_logprobs
    elif wire.top_logprobs:
        request.logprobs = True
        request.top_logprobs = wire.top_logprobs
        request.said["logprobs"] = "top_logprobs"
    if include:
        request.hints += [f"include: {what}" for what in include if what not in _CARRIED]
    if wire.max_tool_calls is not None:
        # it only counts calls of the provider's own tools
        own = any(tool.kind in ("native", "web_search") for tool in request.tools)
        (request.unknown if own else request.hints).append("max_tool_calls")


def _shape(request: Request, wire: Body) -> None:
    if wire.text is None and wire.reasoning is None:
        return
    text = wire.text or WireText()
    request.verbosity = text.verbosity or ""
    form = text.format
    if form is not None:
        kinds = {"text": "text", "json_object": "json", "json_schema": "json_schema"}
        if form.type not in kinds:
            raise ItemError(f"text.format.type: {form.type!r} is none of {', '.join(kinds)}")
        if form.type == "json_schema" and not is_object(form.schema):
            raise ItemError("text.format.schema: a JSON schema is needed")
        request.output = OutputFormat(
            kinds[form.type],
            form.name or "",
            form.description or "",
            None if is_null(form.schema) else form.schema,
            form.strict,
        )
    if (thought := wire.reasoning) is not None:
        effort = thought.effort or ""
        summary = thought.summary or thought.generate_summary or ""
        if effort or summary:
            enabled = False if effort == "none" else None
            request.reasoning = Reasoning(enabled, effort, summary=summary)
        request.hints += [f"reasoning.{n}" for n in ("context", "mode") if getattr(thought, n)]


def _identity(request: Request, wire: Body) -> None:
    request.user = wire.user or wire.safety_identifier or ""
    if not wire.user and wire.safety_identifier:
        request.said["user"] = "safety_identifier"
    elif wire.user and wire.safety_identifier not in (None, wire.user):
        request.hints.append("safety_identifier")
    if wire.metadata:
        request.metadata = msgspec.Raw(_ENCODER.encode(wire.metadata))
    request.service_tier = wire.service_tier or ""
    if wire.background:
        request.unknown.append("background")
    if wire.truncation not in (None, "disabled"):
        request.hints.append("truncation")
    if wire.stream_options is not None and wire.stream_options.include_obfuscation:
        request.hints.append("stream_options.include_obfuscation")
