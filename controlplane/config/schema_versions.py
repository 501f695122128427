"""What an operator writes about versions of an agent."""

from typing import Annotated

from pydantic import Field

from controlplane.config.fields import Block, Duration, Id, Text, Url
from controlplane.config.schema_clusters import Endpoints


class AgentVersion(Block):
    """One of several programs that do an agent's task. Everything else about it is the agent's."""

    name: Id
    """What headers, logs, metrics and traces call it. Unique within the agent."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    """Its share of new conversations beside the others, 0 to 1000. With 0 it gets none, and keeps
    those it has."""
    url: Url | None = None
    """Where it is. Give this or `endpoints`."""
    endpoints: Endpoints | None = None
    """In place of `url`: several equal addresses."""


class Shadow(Block):
    """Requests are sent to another version, too; its answers are recorded and reach nobody."""

    version: Id
    """The version that gets them: a `name` of `versions`."""
    percent: Annotated[float, Field(gt=0.0, le=100.0)] = 100.0
    """How many of the agent's requests, in percent; those that it answers itself are left out."""
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 16
    """At the same time in each worker; more are left out and counted."""
    timeout: Duration = "60s"
    """Time for its whole answer."""
    answers_file: Text | None = None
    """A file on the data plane's machine that gets its answers, a JSON line each; without it the
    access log and metrics tell how they went, not what they said."""
