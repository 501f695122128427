"""Who may call -> key resources, and what their listener says of them."""

from collections.abc import Iterator

from outriderpb.v1 import agent_pb2, api_key_pb2, listener_pb2

from controlplane.config import schema
from controlplane.config.rules.auth import expiry
from controlplane.config.schema_auth import Jwt
from controlplane.config.schema_cards import CardKeys
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.secrets import secret


def api_keys(config: schema.Config) -> Iterator[Named]:
    """Every key, as a resource of its own: one more key is one small message."""
    for key in config.api_keys:
        message = api_key_pb2.ApiKey(
            name=key.name,
            tenant=key.tenant or "",
            listeners=key.listeners,
            models=key.models,
            expires=expiry(key.expires) if key.expires is not None else 0,
            disabled=key.disabled,
        )
        if key.hash is not None:
            message.sha256 = bytes.fromhex(key.hash.removeprefix("sha256:"))
        elif key.key is not None:
            message.key.CopyFrom(secret(key.key))
        yield Named(ResourceType.API_KEY, key.name, message)


def auth(listener: schema.Listener) -> listener_pb2.Auth | None:
    """What a listener asks of its callers; None: nothing."""
    wanted = listener.auth
    if wanted is None:
        return None
    return listener_pb2.Auth(
        optional=not wanted.required,
        api_keys=wanted.api_keys,
        own_header=wanted.credential_in == "x-outrider-key",
        jwt=_jwt(wanted.jwt) if wanted.jwt is not None else None,
        client_certificate=(
            listener_pb2.ClientCertificate(names=wanted.client_certificate.names)
            if wanted.client_certificate is not None
            else None
        ),
    )


def tls(listener: schema.Listener) -> listener_pb2.Tls | None:
    """The files of a listener's TLS; None: it speaks in clear."""
    wanted = listener.tls
    if wanted is None:
        return None
    return listener_pb2.Tls(
        certificate_file=wanted.certificate.removeprefix("file:"),
        key_file=wanted.key.removeprefix("file:"),
        client_ca_file=(wanted.client_ca or "").removeprefix("file:"),
        client_certificate_optional=wanted.client_certificate == "request",
    )


def card_signing(listener: schema.Listener) -> listener_pb2.CardSigning | None:
    """What a listener's own card is signed with; None: it is not."""
    wanted = listener.card_signing
    if wanted is None:
        return None
    return listener_pb2.CardSigning(
        key_file=wanted.key.removeprefix("file:"),
        key_id=wanted.key_id,
        jwks_uri=wanted.jwks_uri or "",
    )


def _jwt(jwt: Jwt) -> listener_pb2.Jwt:
    message = listener_pb2.Jwt(
        issuer=jwt.issuer,
        audiences=jwt.audiences,
        algorithms=sorted(set(jwt.algorithms)),
        leeway_ms=duration_ms(jwt.leeway),
        id_claim=jwt.claims.id,
        tenant_claim=jwt.claims.tenant or "",
        models_claim=jwt.claims.models or "",
    )
    put_keys(message, jwt)
    return message


def put_keys(message: listener_pb2.Jwt | agent_pb2.CardKeys, block: Jwt | CardKeys) -> None:
    """Where public keys are."""
    if block.jwks_uri is not None:
        message.jwks_uri = block.jwks_uri
    elif block.jwks is not None and block.jwks.startswith("file:"):
        message.jwks_file = block.jwks.removeprefix("file:")
    else:
        message.jwks = block.jwks or ""
    message.refresh_ms = duration_ms(block.refresh)
