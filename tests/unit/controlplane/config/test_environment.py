"""Variables come from the environment first and from a `.env` file for the rest."""

from pathlib import Path

import pytest

from controlplane.config.environment import environment
from controlplane.config.problem import ConfigErrors


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text("A=file\nB='quoted # text'\nexport C=$A\nD\n")
    return tmp_path / "outrider.yaml"


def test_a_file_beside_the_config_fills_what_is_missing(config: Path) -> None:
    found = environment({"A": "process"}, config, None)
    assert found == {"A": "process", "B": "quoted # text", "C": "$A"}


def test_an_empty_variable_is_filled_too(config: Path) -> None:
    assert environment({"A": ""}, config, None)["A"] == "file"


def test_a_named_file_is_read_in_its_place(config: Path, tmp_path: Path) -> None:
    (tmp_path / "prod.env").write_text("A=prod\n")
    assert environment({}, config, tmp_path / "prod.env") == {"A": "prod"}


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert environment({"A": "1"}, tmp_path / "outrider.yaml", None) == {"A": "1"}


def test_a_file_that_is_not_text_is_named(config: Path) -> None:
    config.with_name(".env").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigErrors, match=r"\.env: is not UTF-8 text"):
        environment({}, config, None)
