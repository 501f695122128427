"""Messages of the hub -> messages of a chat request.

Rule: the results of tool calls come right after the message that has the calls, each as a message
of its own; what cannot stand in one (an image) follows in the user's next message.
"""

from typing import Any

from dataplane.llm.hub.custom import wrapped
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import Media, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request
from dataplane.llm.translate.chat.wire import open_detail, open_extra
from dataplane.llm.translate.chat.write_parts import Content, PartWriter
from dataplane.runtime.dialect import Dialect

WireMessage = dict[str, Any]


class MessageWriter:
    """Writes the messages of one request."""

    def __init__(self, request: Request, dialect: Dialect, losses: Losses) -> None:
        self._request = request
        self._dialect = dialect
        self._losses = losses
        self._parts = PartWriter(request, dialect, losses)
        self._names = FlatNames(request.tools)
        self._wire: list[WireMessage] = []
        self._shown: list[Part] = []
        """Of tool results: what the user shows after them."""

    def write(self) -> list[WireMessage]:
        """All messages, instructions first."""
        if self._request.system:
            content = self._parts.texts(self._request.system, "system")
            self._wire.append({"role": "system", "content": content or ""})
        for message in self._request.messages:
            if message.role == "assistant":
                self._show(message.at)
                self._assistant(message)
            elif message.role == "user":
                self._user(message)
            else:
                self._show(message.at)
                late = message.role if self._dialect.developer_role else "system"
                self._say(late, self._parts.texts(message.parts, message.at), message)
        self._show("")
        return self._wire

    def _user(self, message: Message) -> None:
        rest: list[Part] = []
        for part in message.parts:
            if type(part) is ToolResult:
                self._result(part, message.at)
            else:
                rest.append(part)
        if rest:
            content = self._parts.content([*self._shown, *rest], message.at)
            self._shown.clear()
            self._say("user", content, message)

    def _result(self, result: ToolResult, at: str) -> None:
        texts: list[Part] = [part for part in result.parts if not _is_shown(part)]
        media = [part for part in result.parts if _is_shown(part)]
        content = self._parts.content(texts, at)
        if media:
            content = content or "(shown in the next message)"
            self._shown += [Text(f"What tool call {result.call_id} gave:"), *media]
        if result.is_error:
            content = _as_error(content)
        self._wire.append(
            {"role": "tool", "tool_call_id": result.call_id, "content": content or ""}
        )

    def _show(self, at: str) -> None:
        if self._shown:
            content = self._parts.content(self._shown, at)
            self._wire.append({"role": "user", "content": content})
            self._shown.clear()

    def _say(self, role: str, content: Content, message: Message) -> None:
        if content is None:
            return
        told: WireMessage = {"role": role, "content": content}
        if message.name:
            told["name"] = message.name
        self._wire.append(told)

    def _assistant(self, message: Message) -> None:
        thoughts: list[Thinking] = []
        calls: list[ToolCall] = []
        rest: list[Part] = []
        for part in message.parts:
            if isinstance(part, Thinking):
                thoughts.append(part)
            elif isinstance(part, ToolCall):
                calls.append(part)
            else:
                rest.append(part)
        told: WireMessage = {"role": "assistant"}
        content = self._parts.texts(rest, message.at)
        if content is not None or not calls:
            told["content"] = content or ""
        else:
            told["content"] = None
        if message.name:
            told["name"] = message.name
        self._think(thoughts, told, message.at)
        if calls:
            told["tool_calls"] = [self._call(call) for call in calls]
        last = self._wire[-1] if self._wire else None
        if last is not None and last["role"] == "assistant":
            _merge(last, told)
        elif content is not None or calls or "reasoning_content" in told:
            self._wire.append(told)

    def _think(self, thoughts: list[Thinking], told: WireMessage, at: str) -> None:
        details = [open_detail(one.signature, one.text) for one in thoughts]
        mine = [detail for detail in details if detail is not None]
        if mine:
            told["reasoning_details"] = mine
        words = "\n\n".join(one.text for one in thoughts if one.text)
        if words and self._dialect.reasoning_content:
            told["reasoning_content"] = words
        elif thoughts and len(mine) < len(thoughts):
            self._losses.hint(f"{at}: thinking")

    def _call(self, call: ToolCall) -> WireMessage:
        name = self._names.of(call.namespace, call.name)
        if call.cache:
            self._losses.hint("cache_control")
        if call.custom and self._dialect.openai_fields:
            custom = {"name": name, "input": call.arguments}
            return {"id": call.id, "type": "custom", "custom": custom}
        words = wrapped(call.arguments) if call.custom else call.arguments or "{}"
        function = {"name": name, "arguments": words}
        told = {"id": call.id, "type": "function", "function": function}
        extra = open_extra(call.signature)
        return told | {"extra_content": extra} if extra is not None else told


def _is_shown(part: Part) -> bool:
    return isinstance(part, Media) and not part.text


def _as_error(content: Content) -> Content:
    """The API has no flag for it: a failure is told in words."""
    if isinstance(content, list):
        return [{"type": "text", "text": "Error:"}, *content]
    text = content or ""
    return text if "error" in text[:80].lower() else f"Error: {text}".rstrip()


def _merge(last: WireMessage, more: WireMessage) -> None:
    """Items of one turn (Responses) come one by one."""
    first, second = last["content"], more["content"]
    if isinstance(first, str) and isinstance(second, str):
        last["content"] = f"{first}\n\n{second}" if first and second else first or second
    elif second:
        parts = [p if isinstance(p, list) else _text(p) for p in (first, second) if p]
        last["content"] = parts[0] if len(parts) == 1 else [*parts[0], *parts[1]]
        if len(parts) == 1 and not isinstance(first or second, list):
            last["content"] = first or second
    for key in ("tool_calls", "reasoning_details"):
        if key in more:
            last[key] = [*last.get(key, []), *more[key]]
    if "reasoning_content" in more:
        words = [last.get("reasoning_content", ""), more["reasoning_content"]]
        last["reasoning_content"] = "\n\n".join(text for text in words if text)


def _text(words: str) -> list[WireMessage]:
    return [{"type": "text", "text": words}]
