"""Signature version 4: how AWS wants requests signed that come with no bearer key.

Rule: what is signed is what is sent, byte for byte: the path and query as they stand in the request
line, and the body. Time is passed in.

Our own, not botocore's: that is 30 MB and 0.2 s of import, and 66 us for a request where this takes
12. The tests hold the two against each other.
"""

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from dataplane.runtime.config import Aws

ALGORITHM = "AWS4-HMAC-SHA256"
_NOT_SIGNED = frozenset(
    ("authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id")
)
"""What proxies on the way may change, and what botocore leaves out."""


def sign(
    method: str,
    host: str,
    path: str,
    query: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    credentials: Aws,
    now: float,
) -> tuple[tuple[str, str], ...]:
    """The headers that must be added (lower case).

    :param host: as in the request's Host header, with the port when it is not the scheme's own.
    :param path, query: as in the request line; `path` percent-encoded, `query` without "?".
    :param headers: those to be signed besides; they must be sent as they are. What proxies change
        (user-agent, connection, ...) is left out.
    :param now: unix seconds.
    """
    time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = [("x-amz-date", time)]
    if credentials.session_token is not None:
        added.append(("x-amz-security-token", credentials.session_token.reveal()))
    names, canonical = _headers((*headers, ("host", host), *added))
    request = "\n".join(
        (method, _path(path), _query(query), canonical, names, sha256(body).hexdigest())
    )
    scope = f"{time[:8]}/{credentials.region}/{credentials.service}/aws4_request"
    text = f"{ALGORITHM}\n{time}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = _key(
        credentials.secret_access_key.reveal(), time[:8], credentials.region, credentials.service
    )
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    identity = credentials.access_key_id.reveal()
    value = (
        f"{ALGORITHM} Credential={identity}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return (*added, ("authorization", value))


def _key(secret: str, date: str, region: str, service: str) -> bytes:
    """Good for a day, but made anew: a cache would keep secrets that the config has forgotten."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _headers(headers: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """The names that are signed, and their lines: sorted, values of one name joined."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower not in _NOT_SIGNED:
            values.setdefault(lower, []).append(" ".join(value.split()))
    names = sorted(values)
    lines = "".join(f"{name}:{','.join(values[name])}\n" for name in names)
    return ";".join(names), lines


def _path(path: str) -> str:
    """Encoded once more (all services but S3), with "." and ".." and empty segments taken out."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if kept and path.endswith("/") else ""
    return quote("/" + "/".join(kept) + tail, safe="/~")


def _query(query: str) -> str:
    """Sorted; as it stands otherwise, for it is encoded already."""
    if not query:
        return ""
    pairs = [part.partition("=")[::2] for part in query.split("&")]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
