"""Every good config of the corpus becomes exactly its resources."""

import json
import time
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from outriderpb.v1 import model_pb2

from controlplane.config.problem import ConfigErrors
from controlplane.snapshot.resource import ResourceType
from controlplane.snapshot.snapshot import Snapshot
from controlplane.translate.compiler import compile_config

GOOD = Path(__file__).parents[3] / "golden" / "config" / "good"
CASES = sorted(GOOD.glob("*.yaml"))
PROVIDER = "  - {{name: p{0}, model: mine/m{0}, base_url: 'http://127.0.0.1:8000/v1'}}\n"
HEAD = "version: v0.4.0\nlisteners: [{type: model, name: m}]\nmodel_providers:\n"


def shown(snapshot: Snapshot) -> str:
    resources = {
        kind.name.lower(): {name: MessageToDict(one.message) for name, one in named.items()}
        for kind, named in snapshot.resources.items()
    }
    return json.dumps(resources, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_good_config_becomes_its_resources(case: Path, request: pytest.FixtureRequest) -> None:
    made = shown(compile_config(case.read_text(), case.name, None))
    expected = case.with_suffix(".json")
    if request.config.getoption("--update-golden", default=False):
        expected.write_text(made)
    # Read, because a protobuf map has an order of its own in every process.
    assert json.loads(made) == json.loads(expected.read_text())


def test_equal_configs_have_the_same_version_however_they_are_written() -> None:
    one = compile_config(HEAD + PROVIDER.format(1) + PROVIDER.format(2), "a.yaml", None)
    other = compile_config("# now\n" + HEAD + PROVIDER.format(2) + PROVIDER.format(1), "b", None)
    assert one.version == other.version


def test_unchanged_resources_are_the_same_objects_after_a_change() -> None:
    before = compile_config(HEAD + PROVIDER.format(1) + PROVIDER.format(2), "a.yaml", None)
    text = HEAD + PROVIDER.format(1) + PROVIDER.format(2).replace("mine/m2", "mine/m3")
    after = compile_config(text, "a.yaml", None, before)
    assert after.of_type(ResourceType.CLUSTER) is before.of_type(ResourceType.CLUSTER)
    kind = ResourceType.MODEL_PROVIDER
    assert after.of_type(kind)["p1"] is before.of_type(kind)["p1"]
    changed = {kind: change.changed for kind, change in after.diff(before).items()}
    assert changed == {kind: ("p2",), ResourceType.ROUTE: ("m/p2",)}


def test_variables_are_asked_for_only_when_an_environment_is_given() -> None:
    text = HEAD + PROVIDER.format(1).replace("'}", "', access_key: $KEY}")
    compile_config(text, "a.yaml", None)
    compile_config(text, "a.yaml", {"KEY": "sk"})
    with pytest.raises(ConfigErrors, match="KEY is not set"):
        compile_config(text, "a.yaml", {})


def test_a_variable_that_is_not_used_need_not_be_there() -> None:
    extra = "', access_key: $KEY, passthrough_auth: true}"
    snapshot = compile_config(HEAD + PROVIDER.format(1).replace("'}", extra), "a.yaml", {})
    provider = snapshot.of_type(ResourceType.MODEL_PROVIDER)["p1"].message
    assert isinstance(provider, model_pb2.ModelProvider)
    assert not provider.access_keys


def test_no_secret_is_in_a_snapshot() -> None:
    text = HEAD + PROVIDER.format(1).replace("'}", "', access_key: $KEY}")
    snapshot = compile_config(text, "a.yaml", {"KEY": "sk-very-secret"})
    for named in snapshot.resources.values():
        for resource in named.values():
            assert b"sk-very-secret" not in resource.delta_bytes


def test_a_thousand_providers_compile_well_under_a_second() -> None:
    text = HEAD + "".join(PROVIDER.format(number) for number in range(1000))
    began = time.process_time()
    snapshot = compile_config(text, "a.yaml", None)
    assert len(snapshot.of_type(ResourceType.ROUTE)) == 1000
    assert time.process_time() - began < 0.8  # 0.09 measured; slack for a busy machine
