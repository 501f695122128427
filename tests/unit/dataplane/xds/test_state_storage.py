"""How the store of responses comes over the wire."""

from types import SimpleNamespace

import pytest
from outriderpb.v1 import secret_pb2, state_storage_pb2

from dataplane.runtime.state_storage import StateStorage, StorageKind
from dataplane.xds.fields import BadFieldError
from dataplane.xds.state_storage import state_storage

SECRETS = SimpleNamespace(variable=lambda name: f"{name} of the environment", file=None)


def _read(**fields: object) -> StateStorage:
    message = state_storage_pb2.StateStorage(**fields)  # type: ignore[arg-type] # by name
    return state_storage("state_storage", message, SECRETS)


def _text(literal: str) -> secret_pb2.SecretText:
    return secret_pb2.SecretText(parts=[secret_pb2.SecretText.Part(literal=literal)])


def test_nothing_said_means_the_local_store() -> None:
    assert _read() == StateStorage()


def test_what_is_said_is_taken() -> None:
    read = _read(
        kind=state_storage_pb2.STORAGE_KIND_REDIS,
        url=_text("redis://127.0.0.1/1"),
        ttl_seconds=60,
        max_entries=5,
        max_entry_bytes=1000,
        tenant_header="X-Tenant",
    )
    assert (read.kind, read.ttl_s, read.max_entries) == (StorageKind.REDIS, 60.0, 5)
    assert (read.max_entry_bytes, read.tenant_header) == (1000, "x-tenant")
    assert read.url is not None
    assert read.url.reveal() == "redis://127.0.0.1/1"


def test_a_url_of_another_kind_is_refused_without_showing_it() -> None:
    with pytest.raises(BadFieldError, match="does not begin with postgresql://") as raised:
        _read(kind=state_storage_pb2.STORAGE_KIND_POSTGRES, url=_text("redis://:secret@h/1"))
    assert "secret" not in str(raised.value)


def test_a_kind_of_the_future_is_refused() -> None:
    with pytest.raises(BadFieldError, match="kind 99"):
        _read(kind=99)
