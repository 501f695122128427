"""Fields that messages of several kinds have; what is wrong is told with its reason."""

import re

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
