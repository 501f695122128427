"""What an operator writes about callers: who may call a listener, and the keys they show.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import (
    ID,
    LISTENER_NAME,
    Block,
    Duration,
    ModelName,
    SecretText,
    Text,
)
from controlplane.config.schema_limits import LimitCost, LimitCount

HASH = r"^sha256:[0-9a-f]{64}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?$"
JWKS_URI = r"^https?://[!-~]{1,2000}$"
FILE = r"^file:/[^\x00-\x1f\x7f]*[^/\x00-\x1f\x7f]$"
FilePath = Annotated[str, StringConstraints(pattern=FILE, max_length=4096)]
CLAIM = r"^[!-~]{1,256}$"
Algorithm = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
]
ClaimName = Annotated[str, StringConstraints(pattern=CLAIM)]
Words = Annotated[tuple[ModelName, ...], Strict(False), Field(max_length=1000)]
ListenerNames = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=LISTENER_NAME)], ...],
    Strict(False),
    Field(max_length=1000),
]


class KeyLimits(Block):
    """How much a key may use up; as `limits`, with this key for their scope."""

    requests: LimitCount | None = None
    """How many requests."""
    tokens: LimitCount | None = None
    """How many tokens, input and output together."""
    input_tokens: LimitCount | None = None
    """How many tokens of prompts."""
    output_tokens: LimitCount | None = None
    """How many tokens of answers."""
    cost: LimitCost | None = None
    """How much money: the key's budget."""
    concurrent: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """How many requests at the same time."""
    on_unknown_price: Literal["refuse", "free"] = "refuse"
    """`cost`: a model without a price is answered 429 (`refuse`), or costs nothing (`free`)."""


class ApiKey(Block):
    """A key of ours that callers show; `outrider keys create` makes one."""

    name: Annotated[str, StringConstraints(pattern=ID)]
    """What logs, traces and limits call it. Unique."""
    hash: Annotated[str, StringConstraints(pattern=HASH)] | None = None
    """`sha256:` and the SHA-256 of the key, as `outrider keys create` prints it."""
    key: SecretText | None = None
    """In place of `hash`: where the key is, `$VAR`, `${VAR}` or `file:/path`; 16 characters or
    more."""
    tenant: Annotated[str, StringConstraints(pattern=ID)] | None = None
    """Whose key it is; keys of one tenant share what is kept and limited by tenant."""
    listeners: ListenerNames = ()
    """Names of listeners where it is good; without it on all that ask for keys."""
    models: Words = ()
    """What it may ask for on model listeners: models, aliases, `provider/*`; else everything."""
    expires: Annotated[str, StringConstraints(pattern=DATE)] | None = None
    """From when on it is no longer good: `2027-01-01` (00:00 UTC) or `2027-01-01T08:00:00Z`."""
    limits: KeyLimits | None = None
    """How much it may use up, wherever it is used."""
    disabled: bool = False
    """Refuse it without removing it."""


class Claims(Block):
    """Which claims of a token say what; a name, or a path of names with dots."""

    id: ClaimName = "sub"
    """Who calls: what logs, traces and limits call it."""
    tenant: ClaimName | None = None
    """Whose caller it is."""
    models: ClaimName | None = None
    """What it may ask for: a list, or words; a token without it opens nothing then."""


class Jwt(Block):
    """JSON Web Tokens of one issuer."""

    issuer: Text
    """What `iss` must be."""
    audiences: Annotated[tuple[Text, ...], Strict(False), Field(min_length=1, max_length=100)]
    """One of them must be in `aud`: tokens that were made for others open nothing here."""
    jwks_uri: Annotated[str, StringConstraints(pattern=JWKS_URI)] | None = None
    """Where the issuer's public keys are; data planes fetch them, and again for unknown ones."""
    jwks: Text | None = None
    """In place of `jwks_uri`: `file:/path` where a data plane runs, or the JSON text itself."""
    algorithms: Annotated[tuple[Algorithm, ...], Strict(False), Field(max_length=10)] = ()
    """Signatures that are accepted; without it all that a public key can check."""
    leeway: Duration = "30s"
    """By how much the issuer's clock may differ."""
    refresh: Duration = "5m"
    """How often the keys are fetched anew."""
    claims: Claims = Claims()
    """Which claims say who calls."""


class ClientCertificate(Block):
    """A certificate that the connection was made with says who calls."""

    names: Annotated[tuple[Text, ...], Strict(False), Field(max_length=1000)] = ()
    """Which ones, `*` stands for anything: its URI, else its DNS name, else its common name."""


class Tls(Block):
    """TLS of a listener: PEM files where a data plane runs, read anew when they change."""

    certificate: FilePath
    """The certificate, with those between it and its CA: `file:/path`."""
    key: FilePath
    """Its private key, without a password: `file:/path`."""
    client_ca: FilePath | None = None
    """Who vouches for clients' certificates: `file:/path`."""
    client_certificate: Literal["require", "request"] | None = None
    """With `client_ca`: whether clients must show one (the default), or may."""


class Auth(Block):
    """How callers of a listener show who they are; without it everybody may call."""

    api_keys: bool = False
    """Let callers in who show one of `api_keys`, in any header that SDKs send keys in."""
    jwt: Jwt | None = None
    """Let callers in who show a token of this issuer, as `Authorization: Bearer`."""
    client_certificate: ClientCertificate | None = None
    """Let callers in whose connection has a certificate that `tls.client_ca` vouches for."""
    required: bool = True
    """`false`: callers who show nothing that is known are let in too, as nobody."""
    credential_in: Literal["any", "x-outrider-key"] = "any"
    """`x-outrider-key`: read only that header; the usual ones are then for a provider with
    `passthrough_auth`."""
