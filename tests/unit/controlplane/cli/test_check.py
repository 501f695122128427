"""`outrider check`: what an operator sees, and what a script reads."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controlplane.cli.check import command
from controlplane.cli.schema import command as schema_command
from controlplane.config.published import json_schema

GOOD = """version: v0.4.0
listeners:
  - type: agent
    name: desk
    port: 8001
    agents:
      - {id: weather, description: Weather., default: true}
  - {type: model, name: models}
agents:
  - {id: weather, url: http://weather:8000}
  - {id: flights, url: http://flights:8000}
model_providers:
  - {model: openai/gpt-4o, access_key: $OUTRIDER_TEST_KEY}
model_aliases:
  fast: {target: gpt-4o}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "outrider.yaml"
    path.write_text(GOOD)
    (tmp_path / ".env").write_text("OUTRIDER_TEST_KEY=sk-test\n")
    return path


def run(*args: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args], input=stdin)


def test_a_good_config_is_summed_up(config: Path) -> None:
    result = run(config)
    assert result.exit_code == 0
    said = result.output.splitlines()
    assert said[:3] == [
        f"{config} is fine",
        "  desk    agent  0.0.0.0:8001   weather (default)",
        "  models  model  0.0.0.0:12000  openai/gpt-4o, fast",
    ]


def test_what_is_probably_not_meant_is_noted_and_not_refused(config: Path) -> None:
    result = run(config)
    assert f"{config}:11: agents[1]: no listener uses agent 'flights'" in result.output
    assert result.exit_code == 0


def test_every_problem_is_told_in_one_line_each(config: Path) -> None:
    config.write_text(GOOD.replace("8001", "'8001'").replace("target: gpt-4o", "target: gpt-5"))
    result = run(config)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{config}:5: listeners[0].port: must be a whole number, not the text '8001'"
        " (remove the quotes: 8001)",
        f"{config}:15: model_aliases.fast.target: unknown model 'gpt-5' (did you mean 'gpt-4o'?)",
        f"{config}: 2 problems",
    ]


def test_a_variable_that_is_not_set_is_a_problem(config: Path) -> None:
    config.with_name(".env").unlink()
    result = run(config)
    assert result.exit_code == 1
    assert "environment variable OUTRIDER_TEST_KEY is not set" in result.output
    assert run(config, "--skip-secrets").exit_code == 0


def test_variables_may_come_from_a_named_file(config: Path, tmp_path: Path) -> None:
    config.with_name(".env").unlink()
    (tmp_path / "prod.env").write_text("OUTRIDER_TEST_KEY=sk\n")
    assert run(config, "--env-file", tmp_path / "prod.env").exit_code == 0


def test_json_has_the_problems(config: Path) -> None:
    config.write_text(GOOD.replace("v0.4.0", "v9"))
    result = run(config, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "file": str(config),
        "ok": False,
        "problems": [
            {
                "file": str(config),
                "line": 1,
                "path": "version",
                "message": "'v9' is not a version that is known",
                "hint": "write version: v0.4.0",
            }
        ],
        "notes": [],
        "snapshot_version": None,
    }


def test_json_of_a_good_config_has_its_version_and_notes(config: Path) -> None:
    answer = json.loads(run(config, "--json").output)
    assert (answer["ok"], answer["problems"]) == (True, [])
    assert len(answer["snapshot_version"]) == 16
    assert [note["path"] for note in answer["notes"]] == ["agents[1]"]


def test_a_config_may_come_from_standard_input() -> None:
    assert run("-", "--skip-secrets", stdin=GOOD).exit_code == 0
    result = run("-", stdin="version: [")
    assert result.exit_code == 1
    assert result.output.startswith("stdin:2: not YAML")


def test_a_file_that_is_not_there_is_a_wrong_command(tmp_path: Path) -> None:
    result = run(tmp_path / "no.yaml")
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_text_in_brackets_is_shown_as_it_is(config: Path) -> None:
    config.write_text(GOOD.replace("name: desk", "name: '[red]desk'"))
    assert "'[red]desk' may have" in run(config).output


def test_schema_prints_the_json_schema() -> None:
    result = CliRunner().invoke(schema_command, [])
    assert json.loads(result.output) == json_schema()
