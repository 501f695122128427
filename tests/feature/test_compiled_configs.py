"""What the control plane compiles, a data plane accepts: each config, and each step between two.

The steps are those of the stream: adds and changes type by type, then removals the other way round.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from outriderpb.xds.v3 import ads_pb2

from controlplane.config.parse import parse
from controlplane.snapshot.resource import Resource
from controlplane.snapshot.snapshot import Snapshot
from controlplane.translate.compiler import compile_config
from dataplane.runtime.config import RuntimeConfig
from dataplane.xds.decode import decode
from dataplane.xds.resource import KIND_BY_URL, NOTHING
from dataplane.xds.secrets import SecretUnavailableError
from dataplane.xds.state import Update, XdsState

GOOD = sorted((Path(__file__).parents[1] / "golden" / "config" / "good").glob("*.yaml"))

ONE = """version: v0.4.0
listeners:
  - {type: model, name: front, port: 12000}
model_providers:
  - {model: mine/small, base_url: "http://a:1"}
model_aliases:
  fast: {target: small}
"""
OTHERS = {
    "provider renamed": ONE.replace("{model: mine/small", "{name: tiny, model: mine/small"),
    "alias becomes a provider": ONE.replace(
        "{model: mine/small", "{name: fast, model: mine/small"
    ).replace("fast: {target", "slow: {target"),
    "alias takes a bare name": ONE.replace("fast: {target: small}", "small: {target: mine/small}"),
    "address changed": ONE.replace("http://a:1", "https://b"),
    "listener renamed on its port": ONE.replace("name: front", "name: back"),
    "port changed": ONE.replace("12000", "12001"),
    "listener becomes one of agents": """version: v0.4.0
listeners:
  - {type: agent, name: front, port: 12000, agents: [{id: a, description: A.}]}
agents:
  - {id: a, url: "http://a:1"}
""",
}


class AnySecret:
    """Every variable and file is there."""

    def variable(self, name: str) -> str:
        return f"value-of-{name}"

    def file(self, path: str) -> str:
        if not path.startswith("/"):
            raise SecretUnavailableError(path)
        return f"text-of-{path}"


def steps(after: Snapshot, before: Snapshot | None) -> Iterator[Update]:
    """The updates of the stream that bring a node from one snapshot to another."""
    changes = after.diff(before)
    for kind, change in changes.items():
        wires = [after.of_type(kind)[name].delta_bytes for name in change.changed]
        message = ads_pb2.DeltaDiscoveryResponse.FromString(b"".join(wires))
        ours = KIND_BY_URL[kind.url]
        decoded = (decode(ours, wire, NOTHING, AnySecret()) for wire in message.resources)
        yield Update(ours, tuple(decoded))
    for kind, change in reversed(changes.items()):
        yield Update(KIND_BY_URL[kind.url], removed=change.removed)


def accept(state: XdsState, after: Snapshot, before: Snapshot | None) -> XdsState:
    for update in steps(after, before):
        answer = state.receive(update)
        assert answer.error == "", f"{update.kind}"
        state = answer.state
    return state


TEXTS = {"one": ONE, **OTHERS, **{case.stem: case.read_text() for case in GOOD}}


@cache
def compiled(name: str) -> Snapshot:
    return compile_config(TEXTS[name], "outrider.yaml", None)


def parts(name: str) -> list[Resource]:
    return [one for named in compiled(name).resources.values() for one in named.values()]


@cache
def accepted(name: str) -> RuntimeConfig:
    """What a node has that knows nothing else."""
    return accept(XdsState(), compiled(name), None).config


@pytest.mark.parametrize("name", TEXTS)
def test_a_compiled_config_is_accepted(name: str) -> None:
    written = parse(TEXTS[name], "outrider.yaml").config.listeners
    assert accepted(name).listeners.keys() == {listener.name for listener in written}


# One test for all the steps from a config: thousands of pairs, each a test, cost more to count
# than to run.
@pytest.mark.parametrize("first", TEXTS)
def test_every_step_from_one_config_to_another_is_accepted(first: str) -> None:
    before = compiled(first)
    served = accept(XdsState(), before, None)
    for second in TEXTS:
        after = Snapshot.build(parts(second), before)
        assert accept(served, after, before).config == accepted(second), f"{first} to {second}"
