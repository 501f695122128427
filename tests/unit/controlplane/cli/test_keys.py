"""`outrider keys`: a key is shown once, and the config holds its hash."""

from pathlib import Path

import yaml
from click.testing import CliRunner

from controlplane.cli.main import main
from controlplane.translate.compiler import compile_config

CONFIG = """\
version: v0.4.0
listeners: [{type: model, name: m, auth: {api_keys: true}}]
model_providers: [{model: openai/gpt-4o}]
"""


def test_fresh_key_alone_goes_to_stdout_and_its_config_is_good(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["keys", "create", "--name", "alice", "--tenant", "acme"])
    key = result.stdout.strip()
    assert key.startswith("sk-outrider-")
    assert len(key) > 50
    told = result.stderr.partition("\n\n")[2].partition("\n\n")[0] or result.stderr
    lines = told[told.index("api_keys:") :]
    assert key not in lines
    (entry,) = yaml.safe_load(lines)["api_keys"]
    assert (entry["name"], entry["tenant"]) == ("alice", "acme")
    assert compile_config(CONFIG + lines, "a.yaml", None).version
    hashed = CliRunner().invoke(main, ["keys", "hash"], input=f"{key}\n")
    assert hashed.stdout.strip() == entry["hash"]


def test_two_keys_differ() -> None:
    made = {CliRunner().invoke(main, ["keys", "create", "--name", "a"]).stdout for _ in range(5)}
    assert len(made) == 5


def test_nothing_has_no_hash() -> None:
    assert CliRunner().invoke(main, ["keys", "hash"], input="\n").exit_code == 2
