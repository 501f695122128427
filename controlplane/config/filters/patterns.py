"""`type: patterns`."""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import Block, Text
from controlplane.config.filters.kind import Kind
from controlplane.config.filters.regex import PatternName, Regex


class DenyConfig(Block):
    """Something that must not be said."""

    name: PatternName
    """What errors, logs and headers call it: they never show what was found."""
    pattern: Regex
    """What to look for, in the syntax of RE2."""
    ignore_case: bool = False
    """Whether capital and small letters are the same."""
    replacement: Annotated[str, StringConstraints(max_length=256)] = "[REDACTED]"
    """What stands in its place, where it is redacted."""


class AllowConfig(Block):
    """Something that may be said."""

    name: PatternName
    """What it is, for who reads the config."""
    pattern: Regex
    """What to look for, in the syntax of RE2."""
    ignore_case: bool = False
    """Whether capital and small letters are the same."""


class PatternsConfig(Block):
    """Refuses, redacts or flags what its patterns find in requests and answers."""

    deny: Annotated[tuple[DenyConfig, ...], Strict(False), Field(max_length=1000)] = ()
    """What must not be said, in any message of a request and in answers."""
    allow: Annotated[tuple[AllowConfig, ...], Strict(False), Field(max_length=1000)] = ()
    """If any are given, the last message of the user has to match one of them."""
    requests: Literal["refuse", "redact", "flag", "ignore"] = "refuse"
    """What becomes of a request with something denied in it; `flag` names it in
    `x-outrider-flagged` of the answer."""
    answers: Literal["refuse", "cut", "redact", "flag", "ignore"] = "refuse"
    """What becomes of such an answer, as an output filter: an error, or an end before it as if the
    provider's own filter had stopped it (`cut`), or other words in its place."""
    message: Text | None = None
    """What a refused client is told; without it, the name of the pattern."""
    window: Annotated[int, Field(ge=16, le=4096)] = 128
    """Characters of a streamed answer that wait for what follows; the beginning of something longer
    may be seen before it is known."""


KIND = Kind(PatternsConfig, blocks={("deny", "*"): DenyConfig, ("allow", "*"): AllowConfig})
