"""Texts of a config that mean something: durations, addresses, secrets.

Each reader takes the text and returns a value, or raises BadValueError with what an operator should
read; the schema and the rules call the same readers as the translation does.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

DURATION = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"
_DURATION = re.compile(DURATION.strip("^$"))
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
MAX_DURATION_MS = 24 * 3_600_000
WINDOW = r"^[0-9]+(\.[0-9]+)?(s|m|h|d)$"
_WINDOW = re.compile(WINDOW.strip("^$"))
_WINDOW_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
MAX_WINDOW_MS = 366 * 86_400_000

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)|(\$))")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_CREDENTIALS = re.compile(r"//[^/]*@")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")


class BadValueError(Exception):
    """A text that cannot be read as what it should be."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def duration_ms(text: str) -> int:
    """`30s`, `500ms`, `1.5m`, `2h` in milliseconds, 1 ms to 24 h. Raises BadValueError."""
    if not _DURATION.fullmatch(text) or len(text) > 20:
        hint = "add a unit: s, ms, m or h" if text.isdigit() else ""
        raise BadValueError(f"{text!r} is not a duration such as '30s', '500ms' or '2m'", hint)
    number = text.rstrip("msh")
    ms = round(float(number) * _UNITS_MS[text[len(number) :]])
    if not 1 <= ms <= MAX_DURATION_MS:
        raise BadValueError(f"{text!r} is not between 1ms and 24h")
    return ms


def window_ms(text: str) -> int:
    """`1s`, `1m`, `1h`, `30d` in milliseconds, 1 s to 366 days. Raises BadValueError."""
    if not _WINDOW.fullmatch(text) or len(text) > 20:
        hint = "add a unit: s, m, h or d" if text.isdigit() else ""
        raise BadValueError(f"{text!r} is not a window such as '1s', '1m', '1h' or '1d'", hint)
    ms = round(float(text[:-1]) * _WINDOW_UNITS_MS[text[-1]])
    if not 1000 <= ms <= MAX_WINDOW_MS:
        raise BadValueError(f"{text!r} is not between 1s and 366d")
    return ms


@dataclass(frozen=True, slots=True)
class Url:
    """Where an HTTP service is."""

    scheme: str
    host: str
    port: int
    path: str
    """Without a slash at its end; empty for the root."""

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The Host header: without the port that the scheme implies."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORTS = {"http": 80, "https": 443}


# Rules, resolving and translating read each URL some 17 times a compilation, and it is in the next
# config, too.
@lru_cache(maxsize=4096)
def read_url(text: str) -> Url:
    """An http or https URL of a service. Raises BadValueError."""
    shown = repr(_CREDENTIALS.sub("//***@", text))
    if "$" in text.partition("://")[2].partition("/")[0]:
        raise BadValueError(
            f"{shown} has a '$' in its host",
            "environment variables are read in access_key and headers only",
        )
    # urlsplit takes line breaks and tabs away without a word.
    if not text.isprintable() or not text.isascii():
        raise BadValueError(f"{shown} has a control or a non-ASCII character")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise BadValueError(f"{shown} is not a URL: {_why(e)}") from e
    if parts.scheme not in _DEFAULT_PORTS or "://" not in text:
        raise BadValueError(*_no_scheme(text, shown, parts.scheme))
    if not host:
        raise BadValueError(f"{shown} has no host")
    if "[" in parts.netloc and ":" not in host:
        raise BadValueError(f"{shown}: {host!r} is not an IPv6 address")
    if parts.username is not None:
        raise BadValueError("the URL has a user or password in it", "credentials go into headers")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise BadValueError(f"{shown} has a '?' or '#'", "only scheme, host, port and path")
    if not _is_host(host):
        raise BadValueError(f"{shown}: {host!r} is not a host name")
    if not _PATH.fullmatch(parts.path):
        raise BadValueError(f"{shown} has a space or another character a path cannot have")
    if port == 0:
        raise BadValueError(f"{shown}: port 0 cannot be called")
    path = parts.path.rstrip("/")
    return Url(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], path)


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return ip_address(host).version == 6
        except ValueError:
            return False
    return bool(_HOST.fullmatch(host)) and ".." not in host and len(host) <= 253


def _no_scheme(text: str, shown: str, scheme: str) -> tuple[str, str]:
    if "://" in text and scheme:
        return f"{shown} has the scheme {scheme!r}", "use http:// or https://"
    if "@" in text or not text:
        return f"{shown} has no scheme", "use http:// or https://"
    return f"{shown} has no scheme", f"write http://{text.lstrip(':/')}"


def _why(error: ValueError) -> str:
    """urllib's reasons, in the words of an operator."""
    reason = str(error)
    if "ort" in reason:
        return "its port is not a number between 1 and 65535"
    return "its host is not a valid address"


class SecretKind(Enum):
    """Where a part of a secret comes from."""

    LITERAL = "literal"
    ENV = "env"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SecretPart:
    """A piece of text, or the name of the place that has it."""

    kind: SecretKind
    text: str


def secret_parts(text: str) -> tuple[SecretPart, ...]:
    """`$VAR`, `${VAR}` and `$$` in a text, or a whole `file:/path`. Raises BadValueError."""
    if text.startswith("file:"):
        path = text.removeprefix("file:")
        if not path.startswith("/") or path.endswith("/") or not path.isprintable():
            hint = "write file:/ and the full path, as it is where the data plane runs"
            raise BadValueError(f"{text!r} is not the absolute path of a file", hint)
        return (SecretPart(SecretKind.FILE, path),)
    parts: list[SecretPart] = []
    end, literal = 0, ""
    for found in _VARIABLE.finditer(text):
        literal += _literal(text[end : found.start()])
        end = found.end()
        if found[3]:
            literal += "$"
            continue
        if literal:
            parts.append(SecretPart(SecretKind.LITERAL, literal))
        literal = ""
        parts.append(SecretPart(SecretKind.ENV, found[1] or found[2]))
    literal += _literal(text[end:])
    if literal:
        parts.append(SecretPart(SecretKind.LITERAL, literal))
    return tuple(parts)


def _literal(text: str) -> str:
    if "$" in text:
        raise BadValueError(
            "has a '$' that no variable name follows", "write $VAR, ${VAR}, or $$ for a dollar sign"
        )
    return text
