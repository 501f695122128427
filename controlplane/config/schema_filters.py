"""Filters: what sees requests first and answers last. What differs by `type` is in filters/."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from controlplane.config.fields import Duration, Id, Url
from controlplane.config.filters.kinds import KINDS
from controlplane.config.problem import one_of
from controlplane.config.schema_clusters import ClusterKeys, Endpoints


def _kind(word: str) -> str:
    if word not in KINDS:
        close = get_close_matches(word.lower(), KINDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there is {one_of(sorted(KINDS))}"
        context = {"said": f"{word!r} is not a kind of filter", "hint": hint}
        raise PydanticCustomError("outrider", "{said}", context)
    return word


KindName = Annotated[
    str, AfterValidator(_kind), Field(json_schema_extra={"enum": list(KINDS)}, max_length=64)
]


class Filter(ClusterKeys):
    """A step that sees requests first, or answers last, and may change or refuse them."""

    id: Id
    """What listeners call it. Unique among agents and filters."""
    type: KindName = "mcp"
    """What it is: `http` or `mcp`, services of yours, `python`, a class of yours, or one that is
    built in."""
    url: Url | None = None
    """Where it is, if it is a service (or asks one); the path of the request is added to it. Give
    this or `endpoints`."""
    endpoints: Endpoints | None = None
    """In place of `url`: several equal addresses, URLs that differ in host and port only, or
    mappings of `url`, `weight`, `priority` and `zone`."""
    tool: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """With `type: mcp`: the name of the server's tool; else it is the filter's `id`."""
    transport: Literal["streamable-http"] | None = None
    """With `type: mcp`: there is one, so this may be left out."""
    timeout: Duration = "10s"
    """Time for its whole answer, each time it is asked; else it has failed."""
    failure_mode: Literal["closed", "open"] = "closed"
    """When it fails or is too slow: `closed` refuses what it has not seen (502 or 504), `open`
    goes on without it."""
    config: Annotated[dict[str, Any], Field(max_length=1000)] = Field(default_factory=dict)
    """What its `type` can be told."""
