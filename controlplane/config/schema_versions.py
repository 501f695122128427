"""What an operator writes about versions of an agent."""

from typing import Annotated

from pydantic import Field

from controlplane.config.fields import Block, Id, Url
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
