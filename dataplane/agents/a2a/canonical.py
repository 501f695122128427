"""What a card's signature is made over: the card in a form that everybody writes alike (RFC 8785).

A2A 1.0 (8.4.1) says: only fields of its schema, without those at their defaults. The SDKs for
Python and JavaScript leave out empty required fields, too; the one for JavaScript (1.3) loses the
`securitySchemes` of a card that it has parsed, and such are what its clients verify and its servers
sign; and the one for Go (2.6) takes the document as it is. A signature is good if it fits one of
these; for a card of plain 1.0 without anything empty and without schemes they are the same.

Rule: what was not signed is not read. A form comes with the card that it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from dataplane.agents.a2a.values import Json

SIGNATURES = "signatures"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a card."""

    payload: bytes
    card: Json
    """What it says, without signatures."""


def forms(raw: Json) -> tuple[Form, ...]:
    """The different ones of a card, the one that says most first; none for what has no such form
    (numbers that JSON cannot hold, and the like).
    """
    whole = {name: raw[name] for name in raw if name != SIGNATURES}
    try:
        known = _projected(whole, _CARD)
        full = _without_empty(known) or {}
        parsed = {name: full[name] for name in full if name != "securitySchemes"}
        cards = (whole, known, full, parsed)
        made = {rfc8785.dumps(card): card for card in reversed(cards)}
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError):
        return ()
    return tuple(Form(payload, card) for payload, card in reversed(made.items()))


_TEXT, _MAYBE_TEXT, _FLAG, _MAYBE_FLAG, _FREE = "text", "text?", "flag", "flag?", "free"
_REQUIRED = "!"
"""At the end of a field's name: it is kept when it is empty."""
_SECURITY = [{"schemes": {"*": {"list": [_TEXT]}}}]
_SCOPES = {"*": _TEXT}
_CODE_URLS = {"authorizationUrl!": _TEXT, "tokenUrl!": _TEXT, "refreshUrl": _TEXT}
_TOKEN_URLS = {"tokenUrl!": _TEXT, "refreshUrl": _TEXT, "scopes!": _SCOPES}
_FLOWS = {
    "authorizationCode": _CODE_URLS | {"scopes!": _SCOPES, "pkceRequired": _FLAG},
    "clientCredentials": _TOKEN_URLS,
    "implicit": {"authorizationUrl": _TEXT, "refreshUrl": _TEXT, "scopes": _SCOPES},
    "password": {"tokenUrl": _TEXT, "refreshUrl": _TEXT, "scopes": _SCOPES},
    "deviceCode": _TOKEN_URLS | {"deviceAuthorizationUrl!": _TEXT},
}
_SCHEME = {
    "apiKeySecurityScheme": {"description": _TEXT, "location!": _TEXT, "name!": _TEXT},
    "httpAuthSecurityScheme": {"description": _TEXT, "scheme!": _TEXT, "bearerFormat": _TEXT},
    "oauth2SecurityScheme": {
        "description": _TEXT,
        "flows!": _FLOWS,
        "oauth2MetadataUrl": _TEXT,
    },
    "openIdConnectSecurityScheme": {"description": _TEXT, "openIdConnectUrl!": _TEXT},
    "mtlsSecurityScheme": {"description": _TEXT},
}
_CARD: Mapping[str, Any] = {
    "name!": _TEXT,
    "description!": _TEXT,
    "supportedInterfaces!": [
        {"url!": _TEXT, "protocolBinding!": _TEXT, "tenant": _TEXT, "protocolVersion!": _TEXT}
    ],
    "provider": {"url!": _TEXT, "organization!": _TEXT},
    "version!": _TEXT,
    "documentationUrl": _MAYBE_TEXT,
    "capabilities!": {
        "streaming": _MAYBE_FLAG,
        "pushNotifications": _MAYBE_FLAG,
        "extensions": [
            {"uri": _TEXT, "description": _TEXT, "required": _FLAG, "params": _FREE},
        ],
        "extendedAgentCard": _MAYBE_FLAG,
    },
    "securitySchemes": {"*": _SCHEME},
    "securityRequirements": _SECURITY,
    "defaultInputModes!": [_TEXT],
    "defaultOutputModes!": [_TEXT],
    "skills!": [
        {
            "id!": _TEXT,
            "name!": _TEXT,
            "description!": _TEXT,
            "tags!": [_TEXT],
            "examples": [_TEXT],
            "inputModes": [_TEXT],
            "outputModes": [_TEXT],
            "securityRequirements": _SECURITY,
        }
    ],
    "iconUrl": _MAYBE_TEXT,
}
"""AgentCard of A2A 1.0, a2a.proto: which fields there are, and which are required."""
_DEFAULTS: Mapping[str, tuple[type, tuple[Any, ...]]] = {
    _TEXT: (str, ("",)),
    _MAYBE_TEXT: (str, ()),
    _FLAG: (bool, (False,)),
    _MAYBE_FLAG: (bool, ()),
    _FREE: (dict, ()),
}


def _projected(message: Json, shape: Mapping[str, Any]) -> Json:
    """The fields that the schema knows, without those at their defaults."""
    if "*" in shape:
        found = {name: _value(value, shape["*"]) for name, value in message.items()}
        return {name: value for name, value in found.items() if value is not None}
    made: Json = {}
    for told, inner in shape.items():
        name = told.removesuffix(_REQUIRED)
        value = _value(message.get(name), inner)
        if value is not None and (told != name or not _is_default(value, inner)):
            made[name] = value
    return made


def _value(value: Any, shape: Any) -> Any:
    """None: there is none that fits."""
    if isinstance(shape, str):
        return value if isinstance(value, _DEFAULTS[shape][0]) else None
    if isinstance(shape, list):
        if not isinstance(value, list):
            return None
        return [found for one in value if (found := _value(one, shape[0])) is not None]
    return _projected(value, shape) if isinstance(value, dict) else None


def _is_default(value: Any, shape: Any) -> bool:
    if isinstance(shape, str):
        return value in _DEFAULTS[shape][1]
    return not value and (isinstance(shape, list) or "*" in shape)


def _without_empty(value: Any) -> Any:
    """None: nothing is left of it."""
    if isinstance(value, Mapping):
        found = {name: _without_empty(one) for name, one in value.items()}
        return {name: one for name, one in found.items() if one is not None} or None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [kept for one in value if (kept := _without_empty(one)) is not None] or None
    return None if value == "" else value
