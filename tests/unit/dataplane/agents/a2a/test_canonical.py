"""The forms of a card that signatures are made over. The SDK is the oracle of its own."""

from typing import Any

import pytest
import rfc8785
from a2a.types import AgentCard
from a2a.utils.signing import _canonicalize_agent_card
from google.api.field_behavior_pb2 import (  # type: ignore[import-untyped]
    REQUIRED,
    field_behavior,
)
from google.protobuf.json_format import ParseDict

from dataplane.agents.a2a import canonical
from dataplane.agents.a2a.canonical import forms
from dataplane.agents.a2a.own_card import own_card
from dataplane.runtime.auth import Auth, ClientCertificate
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind, Route

SCOPES = {"read": "Reads.", "": "x"}
URLS = {"authorizationUrl": "https://a", "tokenUrl": "https://t", "refreshUrl": ""}
FLOWS = {
    "authorizationCode": URLS | {"scopes": SCOPES, "pkceRequired": False},
    "clientCredentials": {"tokenUrl": "https://t", "scopes": {}},
    "implicit": {"authorizationUrl": "https://a", "scopes": SCOPES},
    "password": {"tokenUrl": "https://t"},
    "deviceCode": {"deviceAuthorizationUrl": "https://d", "tokenUrl": "https://t"},
}
FULL: dict[str, Any] = {
    "name": "Schlüssel \U0001f511 \u007f",
    "description": "",
    "version": "1.0.0",
    "supportedInterfaces": [
        {"url": "https://x/a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0", "tenant": ""}
    ],
    "provider": {"url": "https://p", "organization": "P"},
    "documentationUrl": "",
    "iconUrl": "https://i",
    "capabilities": {
        "streaming": False,
        "pushNotifications": True,
        "extensions": [
            {"uri": "u", "required": False, "params": {"b": 1.0, "a": [1e21, None, "", {}]}},
            {"uri": "v", "required": True},
        ],
    },
    "securitySchemes": {
        "key": {"apiKeySecurityScheme": {"location": "header", "name": "k", "description": ""}},
        "http": {"httpAuthSecurityScheme": {"scheme": "bearer", "bearerFormat": "JWT"}},
        "oidc": {"openIdConnectSecurityScheme": {"openIdConnectUrl": "https://o"}},
        "tls": {"mtlsSecurityScheme": {}},
    }
    | {name: {"oauth2SecurityScheme": {"flows": {name: flow}}} for name, flow in FLOWS.items()},
    "securityRequirements": [{"schemes": {"key": {"list": []}, "oidc": {"list": ["a"]}}}],
    "defaultInputModes": ["text/plain"],
    "defaultOutputModes": [],
    "skills": [
        {
            "id": "k",
            "name": "Keys",
            "description": "Keys.",
            "tags": [],
            "examples": ["", "Where?"],
            "inputModes": ["a"],
            "outputModes": ["b"],
            "securityRequirements": [{"schemes": {"http": {"list": ["x"]}}}],
        }
    ],
    "signatures": [{"protected": "p", "signature": "s"}],
}
OLD = {"url": "https://x/a", "preferredTransport": "JSONRPC", "protocolVersion": "0.3.0"}


def of_the_sdk(raw: dict[str, Any]) -> bytes:
    card = ParseDict(raw, AgentCard(), ignore_unknown_fields=True)
    return _canonicalize_agent_card(card).encode()


def of_a_listener() -> dict[str, Any]:
    target = AgentTarget("a", "Does a.")
    auth = Auth(api_keys=True, client_certificate=ClientCertificate())
    listener = Listener(
        *("desk", ListenerKind.AGENT, "127.0.0.1", 0),
        routes=(Route("a", "desk", target),),
        auth=auth,
    )
    return own_card(listener, {}, "https://g", known_caller=True)


CARDS = {
    "full": FULL,
    "with fields of 0.3": FULL | OLD,
    "ours": of_a_listener(),
}


@pytest.mark.parametrize("name", CARDS)
def test_one_form_is_what_the_sdk_signs(name: str) -> None:
    assert of_the_sdk(CARDS[name]) in [form.payload for form in forms(CARDS[name])]


@pytest.mark.parametrize("name", CARDS)
def test_one_form_is_the_document_as_it_is(name: str) -> None:
    whole = {key: value for key, value in CARDS[name].items() if key != "signatures"}
    assert forms(CARDS[name])[0].payload == rfc8785.dumps(whole)
    assert forms(CARDS[name])[0].card == whole


def _table(message: Any) -> Any:
    """What our table says of a message, made of the protocol's own."""
    if message.full_name == "google.protobuf.Struct":
        return "free"
    made = {}
    for field in message.fields:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        of = field.message_type.fields_by_name["value"] if is_map else field
        inner: Any = {field.TYPE_STRING: "text", field.TYPE_BOOL: "flag"}.get(of.type)
        if of.message_type is not None:
            inner = _table(of.message_type)
        elif field.has_presence:
            inner += "?"
        required = REQUIRED in field.GetOptions().Extensions[field_behavior]
        name = field.json_name + ("!" if required else "")
        made[name] = {"*": inner} if is_map else [inner] if field.is_repeated else inner
    return made


def test_table_of_fields_is_the_protocols() -> None:
    theirs = _table(AgentCard.DESCRIPTOR)
    del theirs["signatures"]
    assert theirs == canonical._CARD


def test_one_form_is_the_specifications_own_example() -> None:
    """A2A 1.0, 8.4.1: required fields stay when they are empty."""
    raw = {
        "name": "Example Agent",
        "description": "",
        "capabilities": {"streaming": False, "pushNotifications": False, "extensions": []},
        "skills": [],
    }
    told = (
        b'{"capabilities":{"pushNotifications":false,"streaming":false},'
        b'"description":"","name":"Example Agent","skills":[]}'
    )
    assert told in [form.payload for form in forms(raw)]


def test_what_a_form_does_not_say_is_not_in_its_card() -> None:
    for form in forms(FULL | OLD)[1:]:
        assert "preferredTransport" not in form.card
        assert rfc8785.dumps(form.card) == form.payload


def test_forms_that_are_the_same_are_one() -> None:
    plain = {"name": "A", "version": "1", "skills": [{"id": "a", "tags": ["t"]}]}
    assert len(forms(plain)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"name": 7, "skills": "none", "capabilities": [], "securitySchemes": {"a": None}},
        {"skills": [None, 7, {"tags": {}}], "provider": None},
        {"x": 2**60},
        {"name": "\ud800"},
    ],
)
def test_what_is_no_card_breaks_nothing(odd: dict[str, Any]) -> None:
    for form in forms(odd):
        assert "signatures" not in form.card
