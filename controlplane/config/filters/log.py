"""`type: log`."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Address, Kind
from controlplane.config.filters.pii import PersonalKind

Path = Annotated[str, StringConstraints(pattern=r"^/[ -~]{1,1024}$")]


class LogConfig(Block):
    """Writes requests and answers down, as JSON lines: to a `file`, or to the service at `url`."""

    file: Path | None = None
    """A file on each data plane's machine that lines are appended to; it may be rotated."""
    entries: Annotated[tuple[Literal["request", "answer"], ...], Strict(False)] = (
        *("request", "answer"),
    )
    """What is written: requests as an input filter, answers as an output filter."""
    redact: Annotated[tuple[PersonalKind, ...], Strict(False)] = (
        *("secret", "email", "iban", "card", "national_id", "ip", "phone"),
    )
    """Kinds of personal data that are written as `[EMAIL]` and the like; `[]`: none are."""
    max_body_bytes: Annotated[int, Field(ge=0, le=8 << 20)] = 65_536
    """Longer bodies are left out, and longer answers cut."""


KIND = Kind(LogConfig, Address.OPTIONAL)
