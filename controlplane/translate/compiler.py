"""The whole way from an operator's text to a snapshot; `check` and Apply are this function."""

from collections.abc import Iterator, Mapping

from controlplane.config import schema
from controlplane.config.check import check
from controlplane.config.parse import parse
from controlplane.config.problem import ConfigErrors
from controlplane.snapshot.resource import Named
from controlplane.snapshot.snapshot import Snapshot
from controlplane.translate.agents import agents
from controlplane.translate.auth import api_keys
from controlplane.translate.filters import filters
from controlplane.translate.guards import with_guards
from controlplane.translate.limits import limits
from controlplane.translate.listeners import listeners
from controlplane.translate.mcp import mcp_servers
from controlplane.translate.models import models
from controlplane.translate.prompts import endpoints
from controlplane.translate.routing import routing
from controlplane.translate.state_storage import state_storage
from controlplane.translate.tracing import tracing


def compile_config(
    text: str,
    file_name: str,
    secrets: Mapping[str, str] | None,
    previous: Snapshot | None = None,
) -> Snapshot:
    """The snapshot a config means. Raises ConfigErrors with every problem.

    :param file_name: shown in problems.
    :param secrets: the environment in which variables must exist; None leaves that to data planes.
    :param previous: a snapshot whose equal resources are used again, which makes diffs cheap.
    """
    parsed = parse(text, file_name)
    problems = check(parsed, secrets)
    if problems:
        raise ConfigErrors(problems)
    return Snapshot.build(translate(parsed.config), previous)


def translate(config: schema.Config) -> Iterator[Named]:
    """Every resource that a checked config means."""
    config = with_guards(config)
    yield from agents(config)
    yield from filters(config)
    yield from endpoints(config)
    yield from mcp_servers(config)
    yield from models(config)
    yield from routing(config)
    yield from tracing(config)
    yield from state_storage(config)
    yield from api_keys(config)
    yield from limits(config)
    yield from listeners(config)
