"""Who a provider is told that asks, and what becomes of the credentials a client sent. Pure.

The rule: what a client shows us was meant for us. None of it reaches a provider unless the operator
says `passthrough_auth`; then it is one credential, in the form that the provider's API reads.
"""

from urllib.parse import parse_qsl, unquote

from dataplane.runtime.config import AuthScheme, Listener
from dataplane.runtime.messages import Headers
from dataplane.server.heads import Names, Values

_LINES = {
    AuthScheme.BEARER: b"authorization: Bearer %b\r\n",
    AuthScheme.X_API_KEY: b"x-api-key: %b\r\n",
    AuthScheme.API_KEY: b"api-key: %b\r\n",
    AuthScheme.X_GOOG_API_KEY: b"x-goog-api-key: %b\r\n",
}
_KEY_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key")
_KEY_PARAMETERS = frozenset(("key", "access_token"))
_BEARER = b"bearer "
_AWS = b"aws4-"


def credential_line(scheme: AuthScheme, key: str) -> bytes:
    """The header line that shows a key; empty for schemes that show none."""
    form = _LINES.get(scheme)
    return form % key.encode() if form is not None else b""


def as_headers(line: bytes) -> Headers:
    """A credential's line as a request that is control flow has it; nothing for an empty one."""
    name, _, value = line.decode("utf-8", "replace").strip().partition(": ")
    return ((name, value),) if name else ()


def passed_on(scheme: AuthScheme, names: Names, values: Values, query: str) -> bytes:
    """The header line with the client's own credential; empty when it has none we can use.

    A signature of AWS holds for one host and body, so it is of no use to anybody else.
    """
    sent: dict[bytes, bytes] = {}
    for name, value in zip(names, values, strict=True):
        sent.setdefault(name.lower(), value)
    authorization = sent.pop(b"authorization", b"")
    if authorization[:5].lower() == _AWS:
        authorization = b""
    if scheme in (AuthScheme.BEARER, AuthScheme.SIGV4):
        if authorization:
            return b"authorization: %b\r\n" % authorization
        scheme = AuthScheme.BEARER
    form = _LINES.get(scheme)
    if form is None:
        return b""
    key = sent.get(scheme.value.encode(), b"")
    if not key and authorization[:7].lower() == _BEARER:
        key = authorization[7:].strip()
    if not key:
        key = next((sent[name] for name in _KEY_HEADERS if sent.get(name)), b"")
    if not key:
        key = key_of_query(query)
    return form % key if key else b""


def may_pass(listener: Listener) -> bool:
    """Whether the credentials of a request are for providers: where a listener reads them itself,
    they are for nobody else.
    """
    auth = listener.auth
    return auth is None or auth.own_header or not auth.reads_heads


def without_keys(query: str, also: frozenset[str] = frozenset()) -> str:
    """A query without parameters that hold credentials, and without those named."""
    kept = [
        pair
        for pair in query.split("&")
        if pair
        and (name := unquote(pair.partition("=")[0])) not in _KEY_PARAMETERS
        and name not in also
    ]
    return "&".join(kept)


def parameter_names(query: str) -> frozenset[str]:
    """Names of the parameters of a query."""
    return frozenset(name for name, _ in parse_qsl(query, keep_blank_values=True))


def key_of_query(query: str) -> bytes:
    """The credential in a query (Google's `?key=`); empty when there is none."""
    for name, value in parse_qsl(query):
        if name == "key" and value.isascii() and value.isprintable() and " " not in value:
            return value.encode()
    return b""
