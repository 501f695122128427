"""`make faults`: the sixteen scenarios in three protocols, at the full timings of the reference.

Both planes run as the processes that a user starts, with two workers; all scenarios are played at
the same time, so that it takes little more than the outage of S15. Exits 1 when one is no pass.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figures, write_figures
from tests.faults.play import Result, differences, play
from tests.faults.scenarios import ACROSS, CELLS, FULL, PROTOCOLS, config
from tests.faults.sdk import taken_for_whole
from tests.faults.verdict import Verdict
from tests.faults.wall import running_wall
from tests.faults.words import ANSWER
from tests.support.planes import processes

FIGURES = Path("build/figures/faults.json")
COLOURS = {
    Verdict.PASS: "green",
    Verdict.PARTIAL: "yellow",
    Verdict.SAFE: "cyan",
    Verdict.FAIL: "red",
}


async def run() -> tuple[list[Result], list[str]]:
    """Every result, and where an SDK takes for whole what is not."""
    cells = (*CELLS, *ACROSS)
    with TemporaryDirectory() as folder:
        async with (
            running_wall(token_s=FULL.token_s, outage_s=FULL.outage_s) as wall,
            processes(
                config(cells, wall.port, FULL), Path(folder), environ={"WALL_KEY": "sk-wall"}
            ) as made,
        ):
            port = int(made.url("models").rpartition(":")[2])
            results = await play(cells, port, wall, FULL)
    return results, [*wall.wrong, *await misread(results)]


async def misread(results: Sequence[Result]) -> list[str]:
    """Answers that the vendor's SDK hands to its user although they are not the sixty words."""
    found = []
    for one in results:
        for number, got in enumerate(one.run.heard):
            text = await taken_for_whole(got)
            if text is not None and text != ANSWER:
                found.append(f"{one.cell.alias} {number}: its SDK returns {text[-40:]!r}")
    return found


def figures(results: Sequence[Result]) -> Figures:
    """A verdict is 3 for pass, 2 partial, 1 safe, 0 fail."""
    made: Figures = {}
    counted = [one for one in results if one.cell in CELLS]
    made["passed"] = sum(one.judged.verdict is Verdict.PASS for one in counted)
    made["total"] = len(counted)
    for one in results:
        name = one.cell.alias.replace("-", "_")
        if one.cell in CELLS:
            name = f"{one.cell.scenario.name}_{one.cell.client.value}"
        made[name] = int(one.judged.verdict)
        made[f"{name}_s"] = round(max(got.seconds for got in one.run.heard), 2)
    return made


def show(results: Sequence[Result], console: Console) -> None:
    """The table, and why a cell is no pass."""
    table = Table("", "fault", *(protocol.value for protocol in PROTOCOLS), "across protocols")
    by_name: dict[str, list[Result]] = {}
    for one in results:
        by_name.setdefault(one.cell.scenario.name, []).append(one)
    for name, row in by_name.items():
        words = [
            f"[{COLOURS[one.judged.verdict]}]{one.judged.verdict}[/] "
            f"{max(got.seconds for got in one.run.heard):.1f} s"
            for one in row
        ]
        own, across = words[: len(PROTOCOLS)], words[len(PROTOCOLS) :]
        table.add_row(name.upper(), row[0].cell.scenario.title, *own, " ".join(across))
    console.print(table)
    for line in differences(results):
        console.print(line, markup=False, highlight=False)


def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"{len(CELLS)} scenarios and {len(ACROSS)} across protocols, at the same time")
    results, wrong = asyncio.run(run())
    show(results, console)
    for line in wrong:
        console.print(line, markup=False, highlight=False)
    made = figures(results)
    write_figures(FIGURES, made)
    console.print(f"{made['passed']} of {made['total']} pass; figures: {FIGURES}")
    return 0 if made["passed"] == made["total"] and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
