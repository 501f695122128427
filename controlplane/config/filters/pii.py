"""`type: pii`."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Kind
from controlplane.config.filters.regex import PatternName, Regex

PersonalKind = Literal["secret", "email", "iban", "card", "national_id", "ip", "phone"]
Country = Literal[
    "AU", "BE", "BR", "CA", "CH", "CN", "DE", "DK", "ES", "FI", "FR", "GB", "IN", "IT", "KR", "MX",
    "NL", "NO", "PL", "SE", "US",
]  # fmt: skip
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class OwnPattern(Block):
    """A kind of personal data of one's own."""

    name: PatternName
    """What it is called; its placeholders are `[NAME_1]`."""
    pattern: Regex
    """What to look for, in the syntax of RE2."""


class PiiConfig(Block):
    """Keeps personal data and secrets from models, and gives them back to whom they came from."""

    kinds: Annotated[tuple[PersonalKind, ...], Strict(False)] = (
        *("secret", "email", "iban", "card", "national_id", "ip", "phone"),
    )
    """What is looked for. Cards, accounts and national ids must have the right checksum."""
    patterns: Annotated[tuple[OwnPattern, ...], Strict(False), Field(max_length=1000)] = ()
    """Further kinds; they win over those that are built in."""
    requests: Literal["redact", "refuse", "keep"] = "redact"
    """What becomes of it in requests: a placeholder such as `[EMAIL_1]`, the same for one value all
    through the request; or the request is refused."""
    restore: bool = True
    """As an output filter: placeholders in answers become what they stand for."""
    answers: Literal["keep", "redact", "refuse"] = "keep"
    """As an output filter: what becomes of personal data that the model says of its own."""
    phone_regions: Annotated[tuple[Region, ...], Strict(False), Field(max_length=300)] = ("US",)
    """Countries whose telephone numbers are known without their country code."""
    countries: Annotated[tuple[Country, ...], Strict(False)] = ()
    """Whose national ids are looked for; without it all that are known."""
    remember_seconds: Annotated[int, Field(ge=0, le=366 * 86_400)] = 86_400
    """How long it is remembered what placeholders stand for, in seconds, where a client may go on
    by `previous_response_id` with what its provider remembers; 0: not. Sealed, in the store of
    `routing.session_cache`."""


KIND = Kind(PiiConfig, blocks={("patterns", "*"): OwnPattern})
