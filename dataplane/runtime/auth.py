"""Who may call a listener, as the operator says it. Values only."""

from dataclasses import dataclass

from dataplane.runtime.principal import Principal

NEVER_EXPIRES = float("inf")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of ours, of which only a digest is known.

    Keys have 256 bits of chance, so that SHA-256 is enough: there is no dictionary of them to try,
    and a slow digest would only be a lever for whoever wants to keep us busy.
    """

    principal: Principal
    """Its `id` is the key's name."""
    digest: bytes
    """SHA-256 of the key."""
    listeners: frozenset[str] = frozenset()
    """Where it is good; empty: on every listener that asks for keys."""
    expires: float = NEVER_EXPIRES
    """On Clock.wall()."""
    disabled: bool = False


ALGORITHMS = frozenset(
    (
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    )
)
"""Signatures that a public key can check. Never `none`, and never HMAC: who may check those may
make them, and a public key taken for an HMAC's secret has opened many a door.
"""


@dataclass(frozen=True, slots=True)
class Jwks:
    """Where an issuer's public keys are: exactly one of the three."""

    uri: str = ""
    file: str = ""
    text: str = ""
    refresh_s: float = 300.0
    """How often they are asked for, when nobody shows a key that is not known."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """JSON Web Tokens of one issuer, and what is read of them."""

    issuer: str
    audiences: tuple[str, ...]
    """One of them must be in `aud`: a token that was made for somebody else opens nothing here."""
    jwks: Jwks
    algorithms: frozenset[str] = ALGORITHMS
    leeway_s: float = 30.0
    """By how much clocks may differ."""
    id_claim: str = "sub"
    tenant_claim: str = ""
    models_claim: str = ""
    """Empty: callers may ask for everything."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A verified certificate of the connection says who calls."""

    names: tuple[str, ...] = ()
    """Patterns with `*`; one of the certificate's names must fit. Empty: whoever the CA vouches
    for.
    """


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files on this machine."""

    certificate: str
    key: str
    client_ca: str = ""
    """Who vouches for clients; empty: they are not asked for certificates."""
    requires: bool = True
    """Whether a client without a certificate is turned away in the handshake."""


@dataclass(frozen=True, slots=True)
class CardSigning:
    """What a listener's own agent card is signed with."""

    key_file: str
    """Path of a PEM file on this machine."""
    key_id: str
    jwks_uri: str = ""
    """Where others find the public half; signatures say so."""


@dataclass(frozen=True, slots=True)
class Auth:
    """How callers of a listener show who they are."""

    required: bool = True
    """Whether nobody else is let in."""
    api_keys: bool = False
    own_header: bool = False
    """Credentials are read from `x-outrider-key` only: the others are meant for providers."""
    jwt: Jwt | None = None
    client_certificate: ClientCertificate | None = None

    @property
    def reads_heads(self) -> bool:
        """Whether credentials in requests are looked at."""
        return self.api_keys or self.jwt is not None

    @property
    def leeway_s(self) -> float:
        """By how much the clocks of whoever makes tokens may differ from ours."""
        return self.jwt.leeway_s if self.jwt is not None else 0.0
