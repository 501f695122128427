"""`type: http`."""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Address, Kind


class AnswersConfig(Block):
    """When a service outside is asked about an answer, as an output filter."""

    answers: Literal["events", "whole"] = "events"
    """`events`: the events of a stream as they come, several at once if they come so. `whole`:
    once, with all of the answer; its client waits for that."""
    window: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    """With `events`: bytes that are collected before it is asked, 0 to 1,048,576."""
    head: bool = False
    """Whether it also sees the answer's status and headers, and answers that are errors, and may
    change them: the folder's README says how."""


class HttpConfig(AnswersConfig):
    """A service that is POSTed each request, or each piece of an answer, at its `url` and the
    request's path. 2xx: its body goes on instead; 4xx: a refusal; else it has failed."""


KIND = Kind(HttpConfig, Address.REQUIRED)
