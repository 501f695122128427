"""How callers and their keys come over the wire."""

from hashlib import sha256
from types import SimpleNamespace

import pytest
from outriderpb.v1 import api_key_pb2, listener_pb2, secret_pb2

from dataplane.runtime.auth import NEVER_EXPIRES, ApiKey, Auth
from dataplane.runtime.config import Listener, ListenerKind
from dataplane.xds.auth import api_key, auth
from dataplane.xds.decode import decode
from dataplane.xds.fields import BadFieldError
from dataplane.xds.resource import NOTHING, Decoded, ResourceKind
from dataplane.xds.state import Update, XdsState
from tests.support import ads

SECRETS = SimpleNamespace(variable=lambda name: name * 4, file=None)


def _read(**fields: object) -> ApiKey:
    message = api_key_pb2.ApiKey(name="alice", **fields)  # type: ignore[arg-type] # by name
    return api_key("alice", message, SECRETS)


def _variable(name: str) -> secret_pb2.SecretText:
    return secret_pb2.SecretText(parts=[secret_pb2.SecretText.Part(env=name)])


def test_hash_is_taken_as_it_is_and_a_key_is_hashed() -> None:
    assert _read(sha256=b"d" * 32).digest == b"d" * 32
    assert _read(key=_variable("KEYS")).digest == sha256(b"KEYSKEYSKEYSKEYS").digest()


def test_nothing_more_said_means_everywhere_everything_for_ever() -> None:
    read = _read(sha256=b"d" * 32)
    assert (read.listeners, read.principal.models) == (frozenset(), frozenset())
    assert (read.expires, read.disabled) == (NEVER_EXPIRES, False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sha256": b"short"}, "5 bytes"),
        ({"key": _variable("K")}, "less than 16"),
        ({}, "no credential"),
    ],
)
def test_key_that_cannot_be_one_is_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(BadFieldError, match=reason):
        _read(**fields)


def test_ways_in_that_are_not_known_here_are_refused() -> None:
    with pytest.raises(BadFieldError, match="none that this data plane knows"):
        auth(listener_pb2.Auth(optional=True))
    assert auth(listener_pb2.Auth(api_keys=True)) == Auth(required=True, api_keys=True)


def test_guarded_listener_says_what_it_is_for() -> None:
    message = listener_pb2.Listener(
        name="m",
        address="127.0.0.1",
        kind=listener_pb2.LISTENER_KIND_GUARDED,
        guarded=listener_pb2.LISTENER_KIND_AGENT,
        auth=listener_pb2.Auth(api_keys=True),
    )
    wire = ads.wire(ResourceKind.LISTENER, "m", message)
    made = decode(ResourceKind.LISTENER, wire, NOTHING, SECRETS).value
    assert isinstance(made, Listener)
    assert made.kind is ListenerKind.AGENT
    assert made.auth == Auth(api_keys=True)


def test_key_that_is_renamed_is_known_all_the_while() -> None:
    def made(name: str) -> Decoded:
        message = api_key_pb2.ApiKey(name=name, sha256=b"d" * 32)
        wire = ads.wire(ResourceKind.API_KEY, name, message)
        return decode(ResourceKind.API_KEY, wire, NOTHING, SECRETS)

    state = XdsState()
    for update, known in (
        (Update(ResourceKind.API_KEY, (made("b"),)), "b"),
        (Update(ResourceKind.API_KEY, (made("a"),)), "a"),
        (Update(ResourceKind.API_KEY, (), ("b",)), "a"),
    ):
        state = state.receive(update).state
        assert [key.principal.id for key in state.config.api_keys.values()] == [known]
