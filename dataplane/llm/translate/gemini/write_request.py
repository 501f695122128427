"""Request -> the body of :generateContent and :streamGenerateContent (the path says which)."""

from typing import Any

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.gemini.write_config import write_config
from dataplane.llm.translate.gemini.write_contents import ContentsWriter
from dataplane.llm.translate.gemini.write_tools import write_tools
from dataplane.runtime.dialect import Dialect

_ENCODER = msgspec.json.Encoder()
_NO_BIAS = (b"{}", b"null")


def write_request(request: Request, dialect: Dialect, losses: Losses) -> bytes:
    """The provider's body. What cannot be said goes to `losses`."""
    names = FlatNames(request.tools)
    body: dict[str, Any] = {}
    system = _system(request, losses)
    contents = ContentsWriter(request, losses, names).write()
    if system and contents:
        body["systemInstruction"] = {"parts": system}
    # The API takes no request without contents: instructions alone are what the user says.
    body["contents"] = contents or [{"role": "user", "parts": system or [{"text": ""}]}]
    write_tools(request, losses, names, body)
    config = write_config(request, losses)
    if config:
        body["generationConfig"] = config
    _unsayable(request, losses)
    return _ENCODER.encode(body)


def _system(request: Request, losses: Losses) -> list[dict[str, str]]:
    parts = []
    for part in request.system:
        if isinstance(part, Text) and part.text:
            parts.append({"text": part.text})
            if part.cache:
                losses.hint("system: cache_control")
    return parts


def _unsayable(request: Request, losses: Losses) -> None:
    bias = request.logit_bias
    if bias is not None and bytes(bias) not in _NO_BIAS:
        losses.refuse("logit_bias")
    for name in request.include:
        losses.hint(f"include: {name}")
    for name in ("user", "verbosity", "prompt_cache_key", "metadata", "store"):
        if getattr(request, name) not in (None, "", False):
            losses.hint(name)
    if request.service_tier not in ("", "auto", "default", "standard"):
        losses.hint("service_tier")
