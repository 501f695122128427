"""Request -> the body of POST /model/{model}/converse and /converse-stream (they are the same)."""

import re
from typing import Any

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import Part, Text
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.converse.families import family
from dataplane.llm.translate.converse.write_extra import write_reasoning, write_sampling
from dataplane.llm.translate.converse.write_parts import BlockWriter
from dataplane.llm.translate.converse.write_tools import write_tool_config
from dataplane.llm.translate.converse.write_turns import (
    thinks_in_tool_turn,
    uses_tools,
    write_turns,
)
from dataplane.llm.translate.messages.strict_schema import strict_schema
from dataplane.runtime.dialect import Dialect

_ENCODER = msgspec.json.Encoder()
_LABELS = msgspec.json.Decoder(dict[str, str])
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{0,256}")
_MAX_LABELS = 16
_TIERS = {
    "default": "default",
    "standard": "default",
    "standard_only": "default",
    "priority": "priority",
    "flex": "flex",
    "reserved": "reserved",
}


def write_request(request: Request, dialect: Dialect, losses: Losses) -> bytes:
    """The provider's body. What cannot be said goes to `losses`."""
    vendor = family(request.model)
    names = FlatNames(request.tools)
    writer = BlockWriter(vendor, names, losses)
    turns = write_turns(request, writer, losses)
    body: dict[str, Any] = {"messages": turns}
    texts: list[Part] = [part for part in request.system if isinstance(part, Text)]
    system = writer.blocks(texts, "system")
    if system:
        body["system"] = system
    extra: dict[str, Any] = {}
    inference: dict[str, Any] = {}
    output = write_reasoning(
        request, vendor, dialect, inference, extra, losses, signed=thinks_in_tool_turn(turns)
    )
    write_sampling(request, vendor, inference, extra, losses)
    if inference:
        body["inferenceConfig"] = inference
    tools = write_tool_config(
        request, vendor, names, used=uses_tools(turns), extra=extra, losses=losses
    )
    if tools is not None:
        body["toolConfig"] = tools
    _format(request, output, losses)
    if output:
        body["outputConfig"] = output
    if extra:
        body["additionalModelRequestFields"] = extra
    _labels(request, body, losses)
    _tier(request, body, losses)
    _unsayable(request, losses)
    return _ENCODER.encode(body)


def _format(request: Request, output: dict[str, Any], losses: Losses) -> None:
    asked = request.output
    if asked is None or asked.kind == "text":
        return
    if asked.kind != "json_schema" or asked.schema is None:
        losses.refuse("output")
        return
    schema: dict[str, Any] = {"schema": closed(asked.schema)}
    if asked.name:
        schema["name"] = asked.name
    if asked.description:
        schema["description"] = asked.description
    output["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}


def closed(schema: msgspec.Raw) -> str:
    """A schema as the string that Bedrock wants; it guarantees what Anthropic's API does."""
    return _ENCODER.encode(strict_schema(msgspec.json.decode(schema))).decode()


def _labels(request: Request, body: dict[str, Any], losses: Losses) -> None:
    if not request.metadata:
        return
    try:
        labels = _LABELS.decode(request.metadata)
    except msgspec.MsgspecError:
        losses.hint("metadata")
        return
    fit = len(labels) <= _MAX_LABELS and all(
        name and _LABEL.fullmatch(name) and _LABEL.fullmatch(value)
        for name, value in labels.items()
    )
    if labels and fit:
        body["requestMetadata"] = labels
    elif labels:
        losses.hint("metadata")


def _tier(request: Request, body: dict[str, Any], losses: Losses) -> None:
    if not request.service_tier:
        return
    tier = _TIERS.get(request.service_tier)
    if tier is None:
        losses.hint("service_tier")
    elif tier != "default":
        body["serviceTier"] = {"type": tier}


def _unsayable(request: Request, losses: Losses) -> None:
    """What the API has no word for; values that ask for nothing are no loss."""
    if request.logit_bias is not None:
        losses.refuse("logit_bias")
    for name in ("logprobs", "top_logprobs"):
        if getattr(request, name):
            losses.refuse(name)
    losses.only_one_text()
    for name in ("user", "verbosity", "store", "include", "prompt_cache_key"):
        if getattr(request, name) not in (None, "", [], False):
            losses.hint(name)
