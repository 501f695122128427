"""A client's request as the model gets it: instructions first, what an API has said at its end.

Rule: what is not changed stays as it came, field for field, whichever protocol the client speaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from dataplane.runtime.protocols import Protocol

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()
_NO_MODEL = frozenset(("", "none"))
"""What Plano's clients send for the default model, in lower case."""


@dataclass(frozen=True, slots=True)
class _Form:
    """Where a protocol has what is changed here."""

    turns: str
    parts: str
    text_part: Mapping[str, str]
    """Of a text part, what is not its text."""
    may_be_text: bool = True
    """Whether the content of a turn may be a plain text."""


_FORMS = {
    Protocol.CHAT: _Form("messages", "content", {"type": "text"}),
    Protocol.MESSAGES: _Form("messages", "content", {"type": "text"}),
    Protocol.RESPONSES: _Form("input", "content", {"type": "input_text"}),
    Protocol.GEMINI: _Form("contents", "parts", {}, may_be_text=False),
    Protocol.CONVERSE: _Form("messages", "content", {}, may_be_text=False),
}


class _Turn(msgspec.Struct):
    role: str | None = None


_TURN = msgspec.json.Decoder(_Turn)


def told(
    protocol: Protocol, body: bytes, instructions: str, context: str, left_out: frozenset[int]
) -> bytes:
    """The body with all of that. It is a request of the protocol, as somebody has read it.

    :param instructions: for the model; empty: none but the client's own.
    :param context: what the last thing that the user said is followed by; empty: nothing.
    :param left_out: places of turns that are not for the model.
    """
    fields = _FIELDS.decode(body)
    _without_model(fields)
    form = _FORMS[protocol]
    turns = fields.get(form.turns, msgspec.Raw(b"[]"))
    if bytes(turns)[:1] == b'"':  # a Responses request may be all in one text
        if context:
            fields[form.turns] = _raw(f"{msgspec.json.decode(turns)}\n{context}")
    else:
        listed = _LIST.decode(turns)
        if context:
            at = _last_of_user(listed)
            listed[at] = _with_context(listed[at], form, context)
        listed = [turn for at, turn in enumerate(listed) if at not in left_out]
        if instructions and protocol is Protocol.CHAT:
            listed.insert(0, _raw({"role": "system", "content": instructions}))
        fields[form.turns] = _raw(listed)
    if instructions:
        _instruct(fields, protocol, instructions)
    return _ENCODER.encode(fields)


def is_no_model(word: str) -> bool:
    """Whether a client means the default model."""
    return word.strip().lower() in _NO_MODEL


def _without_model(fields: dict[str, msgspec.Raw]) -> None:
    """A word that stands for no model is none."""
    model = fields.get("model")
    if model is None:
        return
    said = msgspec.json.decode(model)
    if said is None or (isinstance(said, str) and is_no_model(said)):
        del fields["model"]


def _last_of_user(turns: Sequence[msgspec.Raw]) -> int:
    users = [at for at, turn in enumerate(turns) if (_TURN.decode(turn).role or "user") == "user"]
    return users[-1]


def _with_context(turn: msgspec.Raw, form: _Form, context: str) -> msgspec.Raw:
    fields = _FIELDS.decode(turn)
    content = fields[form.parts]
    if form.may_be_text and bytes(content)[:1] == b'"':
        fields[form.parts] = _raw(f"{msgspec.json.decode(content)}\n{context}")
    else:
        parts = _LIST.decode(content)
        part = {**form.text_part, "text": context}
        fields[form.parts] = _raw([*parts, part])
    return _raw(fields)


def _instruct(fields: dict[str, msgspec.Raw], protocol: Protocol, text: str) -> None:
    """Ours come before the client's own."""
    match protocol:
        case Protocol.MESSAGES:
            own = _read(fields, "system")
            if isinstance(own, list):
                fields["system"] = _raw([{"type": "text", "text": text}, *own])
            else:
                fields["system"] = _raw(f"{text}\n\n{own}" if own else text)
        case Protocol.RESPONSES:
            own = _read(fields, "instructions")
            fields["instructions"] = _raw(f"{text}\n\n{own}" if own else text)
        case Protocol.CONVERSE:
            fields["system"] = _raw([{"text": text}, *(_read(fields, "system") or [])])
        case Protocol.GEMINI:
            key = "system_instruction" if "system_instruction" in fields else "systemInstruction"
            own = _read(fields, key)
            parts = own.get("parts", []) if isinstance(own, dict) else []
            fields[key] = _raw({"parts": [{"text": text}, *parts]})
        case Protocol.CHAT:
            pass


def _read(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    return msgspec.json.decode(fields[name]) if name in fields else None


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))
