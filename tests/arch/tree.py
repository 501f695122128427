"""The repository as the rules see it: which files are ours, and where."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked(*patterns: str) -> list[str]:
    """Files that are committed or about to be, as paths from the root; generated code excluded."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = sorted(set(listed.stdout.splitlines()))
    return [path for path in found if not path.startswith("proto/gen/") and (ROOT / path).exists()]


def read(path: str) -> str:
    """The text of a file, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")
