"""Fields that messages of several kinds have; what is wrong is told with its reason."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from google.protobuf.message import Message
from outriderpb.v1 import secret_pb2

from dataplane.runtime.config import Secret
from dataplane.xds.secrets import SecretReader

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class BadFieldError(Exception):
    """Why a resource cannot be used, without its name."""


def same(name: str, inside: str, field: str) -> None:
    """Raises BadFieldError unless a resource says inside what it is called outside."""
    if inside != name:
        raise BadFieldError(f"its {field} inside is {inside!r}")


def given(value: str, field: str) -> str:
    """A text that must be there. Raises BadFieldError."""
    if not value:
        raise BadFieldError(f"has no {field}")
    return value


def seconds(milliseconds: int, default: float) -> float:
    """A duration; zero is one that is not set."""
    return milliseconds / 1000 if milliseconds else default


def within(field: str, value: float, least: float, most: float) -> None:
    """Raises BadFieldError unless a number is in its range; NaN is in none."""
    if not least <= value <= most:
        reach = f"less than {least:g}" if value < least else f"more than {most:g}"
        raise BadFieldError(f"{field} {value:g} is {reach}")


class Said(NamedTuple):
    """A number that may be absent: its name on the wire, and what becomes of it."""

    field: str
    name: str
    """Of the runtime value's."""
    scale: int
    """By what it is divided; 0: it is a whole number, and stays one."""
    reach: tuple[float, float]
    """Least and most, after that."""


def said(m: Message, fields: Iterable[Said]) -> dict[str, Any]:
    """The numbers that are there, by the names of ours. Raises BadFieldError."""
    found: dict[str, Any] = {}
    for field, name, scale, (least, most) in fields:
        if m.HasField(field):
            value = getattr(m, field)
            found[name] = value = value / scale if scale else value
            within(name, value, least, most)
    return found


def header_name(name: str) -> str:
    """The name of a header. Raises BadFieldError."""
    if HEADER_NAME.fullmatch(name) is None:
        raise BadFieldError(f"{name!r} is not a header name")
    return name


def secret(m: secret_pb2.SecretText, secrets: SecretReader) -> Secret:
    """A text with its holes filled. Raises BadFieldError and SecretUnavailableError."""
    return Secret("".join(_part(part, secrets) for part in m.parts))


def _part(part: secret_pb2.SecretText.Part, secrets: SecretReader) -> str:
    match part.WhichOneof("kind"):
        case "literal":
            if not part.literal.isascii() or not part.literal.isprintable():
                raise BadFieldError(
                    "a header value has a line break, control or non-ASCII character"
                )
            return part.literal
        case "env":
            return secrets.variable(part.env)
        case "file":
            return secrets.file(part.file)
        case _:
            raise BadFieldError("a kind of secret that this data plane does not know")
