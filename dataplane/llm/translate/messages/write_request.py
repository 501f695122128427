"""Request -> the body of POST /v1/messages."""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.messages.abilities import Abilities, abilities
from dataplane.llm.translate.messages.strict_schema import strict_schema
from dataplane.llm.translate.messages.write_parts import text_block
from dataplane.llm.translate.messages.write_thinking import Thought, write_thinking
from dataplane.llm.translate.messages.write_tools import write_tool_choice, write_tools
from dataplane.llm.translate.messages.write_turns import thinks_in_tool_turn, write_turns
from dataplane.runtime.dialect import Dialect

_ENCODER: Final = msgspec.json.Encoder()
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_TIERS: Final = {"auto": "auto", "priority": "auto", "scale": "auto"} | dict.fromkeys(
    ("default", "standard", "standard_only"), "standard_only"
)


def write_request(request: Request, dialect: Dialect, losses: Losses) -> bytes:
    """The provider's body. What cannot be said goes to `losses`."""
    can = abilities(request.model)
    thought = write_thinking(request, can, dialect.default_max_tokens, losses)
    names = FlatNames(request.tools)
    turns = write_turns(request, can, losses, names)
    if thought.on and can.budget and not can.adaptive and not thinks_in_tool_turn(turns):
        thought.thinking = None
        losses.hint("thinking")
    _format(request, thought, losses)
    body: dict[str, Any] = {"model": request.model, "max_tokens": thought.max_tokens}
    system = _system(request)
    if system:
        body["system"] = system
    body["messages"] = turns
    tools = write_tools(request, losses, names)
    if tools:
        body["tools"] = tools
        choice = write_tool_choice(request)
        if choice is not None:
            body["tool_choice"] = choice
    if thought.thinking is not None:
        body["thinking"] = thought.thinking
    if thought.output_config:
        body["output_config"] = thought.output_config
    _sampling(request, can, thought, body, losses)
    if request.stop:
        # The API refuses sequences without a word in them.
        body["stop_sequences"] = [text for text in request.stop if text.strip()]
        if len(body["stop_sequences"]) < len(request.stop):
            losses.refuse("stop")
    if request.user:
        body["metadata"] = {"user_id": request.user}
    _tier(request, body, losses)
    _unsayable(request, losses)
    if request.stream:
        body["stream"] = True
    return _ENCODER.encode(body)


def _system(request: Request) -> str | list[dict[str, Any]]:
    texts = [part for part in request.system if isinstance(part, Text)]
    blocks = [block for part in texts if (block := text_block(part.text, part.cache)) is not None]
    if len(blocks) == 1 and "cache_control" not in blocks[0]:
        return str(blocks[0]["text"])
    return blocks


def _format(request: Request, thought: Thought, losses: Losses) -> None:
    output = request.output
    if output is None or output.kind == "text":
        return
    if output.kind != "json_schema" or output.schema is None:
        losses.refuse("output")
        return
    schema = strict_schema(_OBJECT.decode(output.schema))
    thought.output_config["format"] = {"type": "json_schema", "schema": schema}


def _sampling(
    request: Request, can: Abilities, thought: Thought, body: dict[str, Any], losses: Losses
) -> None:
    """Temperature and the like: 1 is the API's own default, and with thinking on all it takes."""
    free = can.sampling and not thought.on
    temperature = request.temperature
    if temperature is not None and (free or temperature != 1):
        if free and 0 <= temperature <= 1:
            body["temperature"] = request.temperature  # (as it came: 1 is not 1.0)
        else:
            losses.refuse("temperature")
    top_p = request.top_p
    if top_p is not None and top_p != 1:
        if free or (can.sampling and top_p >= 0.95):
            body["top_p"] = request.top_p
        else:
            losses.refuse("top_p")
    if request.top_k is not None:
        if free:
            body["top_k"] = request.top_k
        else:
            losses.refuse("top_k")


def _tier(request: Request, body: dict[str, Any], losses: Losses) -> None:
    if not request.service_tier:
        return
    tier = _TIERS.get(request.service_tier)
    if tier is None:
        losses.hint("service_tier")
    else:
        body["service_tier"] = tier


def _unsayable(request: Request, losses: Losses) -> None:
    """What the API has no word for; values that ask for nothing are no loss."""
    if not (
        request.seed is not None
        or request.logit_bias is not None
        or request.frequency_penalty
        or request.presence_penalty
        or request.logprobs
        or request.top_logprobs
        or request.n is not None
        or request.modalities
        or request.verbosity
        or request.metadata is not None
        or request.store
        or request.include
        or request.prompt_cache_key
    ):  # as nearly always
        return
    for name in ("seed", "logit_bias"):
        if getattr(request, name) is not None:
            losses.refuse(name)
    for name in ("frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"):
        if getattr(request, name):
            losses.refuse(name)
    losses.only_one_text()
    for name in ("verbosity", "metadata", "store", "include", "prompt_cache_key"):
        if getattr(request, name) not in (None, "", [], False):
            losses.hint(name)
