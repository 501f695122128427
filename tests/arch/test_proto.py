"""The generated code is what the messages give."""

import filecmp
import subprocess
import sys
from pathlib import Path

from tests.arch.tree import ROOT

PROTO = ROOT / "proto"
WITH_SERVICES = ("outriderpb/admin/", "outriderpb/xds/")


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    messages = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("outriderpb/**/*.proto"))
    services = [path for path in messages if path.startswith(WITH_SERVICES)]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I", "."]
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([*protoc, *outputs, *messages], cwd=PROTO, check=True)
    subprocess.run([*protoc, f"--grpc_python_out={tmp_path}", *services], cwd=PROTO, check=True)

    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*")}
    gen = PROTO / "gen"
    kept = {p.relative_to(gen) for p in gen.rglob("*.py*") if "__pycache__" not in p.parts}
    assert made == kept
    stale = [str(p) for p in sorted(made) if not filecmp.cmp(tmp_path / p, gen / p, shallow=False)]
    assert stale == [], "run `make proto`"
