"""Every config that we show loads, without a secret being there."""

from pathlib import PurePath

import pytest
import yaml

from controlplane.snapshot.resource import ResourceType
from controlplane.translate.compiler import compile_config
from tests.arch.tree import files, read

EXAMPLES = files("deploy/examples/**/outrider.yaml")


def _config_maps() -> list[tuple[str, str]]:
    """The configs inside Kubernetes manifests."""
    return [
        (path, resource["data"]["outrider.yaml"])
        for path in files("deploy/k8s/*.yaml")
        for resource in yaml.safe_load_all(read(path))
        if resource["kind"] == "ConfigMap"
    ]


CONFIGS = [(path, read(path)) for path in EXAMPLES] + _config_maps()


@pytest.mark.parametrize(("path", "text"), CONFIGS, ids=[path for path, _ in CONFIGS])
def test_example_compiles(path: str, text: str) -> None:
    snapshot = compile_config(text, path, None)
    assert snapshot.of_type(ResourceType.LISTENER)


def test_every_example_folder_has_a_config() -> None:
    folders = {PurePath(path).parts[2] for path in files("deploy/examples/*")}
    assert folders == {PurePath(path).parts[2] for path in EXAMPLES}
