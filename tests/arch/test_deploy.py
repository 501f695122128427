"""What deploy/ ships is sound: linted by tools that people lint such files with, of one version."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from tests.arch.tree import ROOT, files, read

DOCKERFILES = files("deploy/Dockerfile.*")
MANIFESTS = files("deploy/k8s/*.yaml")
COMPOSE = "deploy/compose.yaml"


def tool(name: str, *arguments: str) -> None:
    """Run a linter that lives beside our Python; what it prints is the message of the failure."""
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every container of every manifest, with the spec of its pod."""
    for path in MANIFESTS:
        for resource in yaml.safe_load_all(read(path)):
            if resource["kind"] == "Deployment":
                pod = resource["spec"]["template"]["spec"]
                for container in [*pod.get("initContainers", []), *pod["containers"]]:
                    yield f"{path}: {container['name']}", container, pod


def test_yaml_is_clean() -> None:
    tool("yamllint", "--strict", "-c", ".yamllint.yaml", *files("deploy/*.yaml"))


@pytest.mark.parametrize("path", DOCKERFILES)
def test_dockerfiles_are_clean(path: str) -> None:
    tool("hadolint", "--no-color", path)


@pytest.mark.parametrize("path", DOCKERFILES)
def test_images_are_slim_staged_and_not_root(path: str) -> None:
    stages = re.findall(r"^FROM (\S+)", read(path), re.MULTILINE)
    users = re.findall(r"^USER (\S+)", read(path), re.MULTILINE)
    images = [stage for stage in stages if ":" in stage]  # the others go on with a stage before
    assert len(images) == 2
    assert all("-slim" in image for image in images)
    assert users == ["10001:10001"]
    assert "HEALTHCHECK" in read(path)


def test_manifests_are_valid_kubernetes() -> None:
    tool("kubernetes-validate", "--strict", "--quiet", *MANIFESTS)


def test_containers_are_confined() -> None:
    for name, container, pod in containers():
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["capabilities"]["drop"] == ["ALL"], name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["resources"]["limits"]["memory"], name


def test_mounted_volumes_exist() -> None:
    for name, container, pod in containers():
        there = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= there, name


def test_draining_fits_into_the_time_that_kubernetes_gives() -> None:
    ((_, sidecar, pod),) = [one for one in containers() if one[1]["name"] == "outrider"]
    drain = next(e["value"] for e in sidecar["env"] if e["name"] == "OUTRIDER_DRAIN_TIMEOUT")
    pause = sidecar["lifecycle"]["preStop"]["exec"]["command"][1]
    assert int(drain) + int(pause) < pod["terminationGracePeriodSeconds"]


def test_compose_file_is_valid_and_its_references_resolve(tmp_path: Path) -> None:
    compose = PyCompose.from_json(json.dumps(yaml.safe_load(read(COMPOSE))))
    compose.validate()
    compose.validate_secrets()
    # Linted elsewhere: in a checkout below /root it would warn of mounts from there.
    tool("compose-lint", shutil.copy(str(ROOT / COMPOSE), str(tmp_path)))


def test_images_carry_the_version_of_the_package() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    found = re.findall(r"image: outrider-\w+:(\S+)", "".join(map(read, [COMPOSE, *MANIFESTS])))
    assert set(found) == {version}
