"""Custom (free-text) tools of OpenAI's, for providers that only know functions.

A custom tool becomes a function with one string, `input`; the grammar that the text must follow is
told in its description. Calls are wrapped and unwrapped likewise, so that the client sees a call of
the custom tool it has defined.
"""

import msgspec

from dataplane.llm.hub.request import Tool


class _Grammar(msgspec.Struct):
    type: str | None = None
    syntax: str | None = None
    definition: str | None = None
    grammar: "_Grammar | None" = None


class _Definition(msgspec.Struct):
    format: _Grammar | None = None
    custom: "_Definition | None" = None


class _Input(msgspec.Struct):
    input: str


_DEFINITION = msgspec.json.Decoder(_Definition)
_INPUT = msgspec.json.Decoder(_Input)
_ENCODER = msgspec.json.Encoder()
PARAMETERS = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string",'
    b'"description":"The whole input of the tool, as plain text."}},'
    b'"required":["input"],"additionalProperties":false}'
)


def grammar_of(tool: Tool) -> tuple[str, str] | None:
    """(syntax, definition) of a custom tool, in chat's form or in that of Responses."""
    if tool.raw is None:
        return None
    try:
        wire = _DEFINITION.decode(tool.raw)
    except (msgspec.MsgspecError, RecursionError):
        return None
    form = (wire.custom or wire).format
    form = (form.grammar or form) if form is not None else None
    if form is None or not form.definition:
        return None
    return form.syntax or "lark", form.definition


def as_function(tool: Tool) -> Tool:
    """The function that stands for a custom tool."""
    grammar = grammar_of(tool)
    told = (
        f"The input must follow this {grammar[0]} grammar:\n{grammar[1]}"
        if grammar is not None
        else ""
    )
    description = "\n\n".join(text for text in (tool.description, told) if text)
    return Tool(
        tool.name,
        description,
        parameters=PARAMETERS,
        namespace=tool.namespace,
        cache=tool.cache,
    )


def wrapped(text: str) -> str:
    """The function's arguments for the text of a custom call."""
    return _ENCODER.encode({"input": text}).decode()


def unwrapped(arguments: str) -> str:
    """The text of a call of that function; what has another form is given as it is."""
    try:
        return _INPUT.decode(arguments).input
    except (msgspec.MsgspecError, RecursionError):
        return arguments
