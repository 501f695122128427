"""Who may call, of the wire -> dataplane/runtime/auth.py.

What is not understood is refused: a listener that lets in more than it should is worse than none.
"""

from hashlib import sha256

from outriderpb.v1 import agent_pb2, api_key_pb2, listener_pb2

from dataplane.runtime.auth import (
    ALGORITHMS,
    NEVER_EXPIRES,
    ApiKey,
    Auth,
    CardSigning,
    ClientCertificate,
    Jwks,
    Jwt,
    Tls,
)
from dataplane.runtime.principal import Principal
from dataplane.xds.fields import BadFieldError, given, same, seconds, secret
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
    jwt = _jwt(m.jwt) if m.HasField("jwt") else None
    certificate = None
    if m.HasField("client_certificate"):
        certificate = ClientCertificate(tuple(m.client_certificate.names))
    if not m.api_keys and jwt is None and certificate is None:
        raise BadFieldError("asks for credentials, and for none that this data plane knows")
    return Auth(not m.optional, m.api_keys, m.own_header, jwt, certificate)


def tls(m: listener_pb2.Tls) -> Tls:
    """Files. Raises BadFieldError."""
    return Tls(
        given(m.certificate_file, "certificate"),
        given(m.key_file, "key"),
        m.client_ca_file,
        not m.client_certificate_optional,
    )


def card_signing(m: listener_pb2.CardSigning, public_url: str) -> CardSigning:
    """What cards are signed with. Raises BadFieldError."""
    if not public_url:
        raise BadFieldError("signs a card that does not say where it is")
    return CardSigning(given(m.key_file, "key"), given(m.key_id, "key_id"), m.jwks_uri)


def jwks(m: listener_pb2.Jwt | agent_pb2.CardKeys) -> Jwks | None:
    """Where public keys are; None: it does not say."""
    refresh_s = seconds(m.refresh_ms, Jwks().refresh_s)
    match m.WhichOneof("keys"):
        case "jwks_uri":
            return Jwks(uri=m.jwks_uri, refresh_s=refresh_s)
        case "jwks_file":
            return Jwks(file=m.jwks_file, refresh_s=refresh_s)
        case "jwks":
            return Jwks(text=m.jwks, refresh_s=refresh_s)
        case _:
            return None


def _jwt(m: listener_pb2.Jwt) -> Jwt:
    where = jwks(m)
    if where is None:
        raise BadFieldError("has tokens without a place for their issuer's keys")
    if unknown := set(m.algorithms) - ALGORITHMS:
        raise BadFieldError(f"{min(unknown)!r} is no algorithm that tokens may have here")
    if not m.audiences:
        raise BadFieldError("has tokens without an audience")
    return Jwt(
        issuer=given(m.issuer, "issuer"),
        audiences=tuple(m.audiences),
        jwks=where,
        algorithms=frozenset(m.algorithms) or ALGORITHMS,
        leeway_s=m.leeway_ms / 1000,
        id_claim=m.id_claim or "sub",
        tenant_claim=m.tenant_claim,
        models_claim=m.models_claim,
    )
