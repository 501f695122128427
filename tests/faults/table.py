"""The table of the README: every scenario, every protocol, what is held by `make test`.

`python -m tests.faults.table` writes it; tests/arch/test_docs.py compares.
"""

from pathlib import Path

from tests.faults.scenarios import CELLS, PROTOCOLS, SCENARIOS
from tests.faults.verdict import Verdict

README = Path(__file__).parents[2] / "README.md"
BEGIN = "<!-- faults: python -m tests.faults.table -->"
END = "<!-- end of faults -->"

NOT_YET: dict[str, Verdict] = {}
"""By `Cell.alias`, where a pass is still to come; a better verdict fails the tests as well."""


def table() -> str:
    """The table as Markdown."""
    head = "".join(f" {protocol.value} |" for protocol in PROTOCOLS)
    lines = [f"| | fault |{head}", "|---|---|" + "---|" * len(PROTOCOLS)]
    for one in SCENARIOS:
        held = [
            str(NOT_YET.get(cell.alias, Verdict.PASS)) for cell in CELLS if cell.scenario is one
        ]
        lines.append(f"| {one.name.upper()} | {one.title} | {' | '.join(held)} |")
    passed = sum(cell.alias not in NOT_YET for cell in CELLS)
    words = f"{passed} of {len(CELLS)} pass."
    return f"{BEGIN}\n" + "\n".join(lines) + f"\n\n{words}\n\n{END}"


def current() -> str:
    """What README.md holds now, markers included."""
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    README.write_text(README.read_text(encoding="utf-8").replace(current(), table()))
