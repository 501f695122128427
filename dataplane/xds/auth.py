"""Who may call, of the wire -> dataplane/runtime/auth.py.

What is not understood is refused: a listener that lets in more than it should is worse than none.
"""

from hashlib import sha256

from outriderpb.v1 import api_key_pb2, listener_pb2

from dataplane.runtime.auth import NEVER_EXPIRES, ApiKey, Auth
from dataplane.runtime.principal import Principal
from dataplane.xds.fields import BadFieldError, same, secret
from dataplane.xds.secrets import SecretReader

MIN_KEY_CHARS = 16
"""Shorter ones are words that somebody thought of."""


def api_key(name: str, m: api_key_pb2.ApiKey, secrets: SecretReader) -> ApiKey:
    """A key of ours. Raises BadFieldError and SecretUnavailableError."""
    same(name, m.name, "name")
    return ApiKey(
        principal=Principal(name, m.tenant, frozenset(m.models)),
        digest=_digest(m, secrets),
        listeners=frozenset(m.listeners),
        expires=float(m.expires) or NEVER_EXPIRES,
        disabled=m.disabled,
    )


def _digest(m: api_key_pb2.ApiKey, secrets: SecretReader) -> bytes:
    match m.WhichOneof("credential"):
        case "sha256":
            if len(m.sha256) != 32:
                raise BadFieldError(f"its hash has {len(m.sha256)} bytes, not 32")
            return m.sha256
        case "key":
            key = secret(m.key, secrets).reveal()
            if len(key) < MIN_KEY_CHARS:
                raise BadFieldError(f"the key has less than {MIN_KEY_CHARS} characters")
            return sha256(key.encode()).digest()
        case _:
            raise BadFieldError("has no credential that this data plane knows")


def auth(m: listener_pb2.Auth) -> Auth:
    """The ways in. Raises BadFieldError."""
    if not m.api_keys:
        raise BadFieldError("asks for credentials, and for none that this data plane knows")
    return Auth(required=not m.optional, api_keys=m.api_keys, own_header=m.own_header)
