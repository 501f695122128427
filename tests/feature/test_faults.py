"""The sixteen faults of tests/faults/ with a less patient operator: what clients get of each."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.play import Result, play
from tests.faults.run import misread
from tests.faults.scenarios import ACROSS, CELLS, SHORT, config
from tests.faults.stalls import Stalls, watched_for_stalls
from tests.faults.table import NOT_YET
from tests.faults.verdict import Verdict
from tests.faults.wall import running_wall
from tests.support.planes import planes

KEYS = {"WALL_KEY": "sk-wall"}
TRIES = 5
"""Of a machine that stands still for so long that the gateway has to refuse requests."""


async def played(folder: Path) -> tuple[list[Result], list[str], Stalls]:
    """Every cell once, what no vendor would have accepted, and how the machine has stood still."""
    cells = (*CELLS, *ACROSS)
    async with (
        running_wall(token_s=SHORT.token_s, outage_s=SHORT.outage_s) as wall,
        planes(config(cells, wall.port, SHORT), folder, environ=KEYS) as made,
        watched_for_stalls() as stalls,
    ):
        port = int(made.url("models").rpartition(":")[2])
        return await play(cells, port, wall, SHORT), wall.wrong, stalls


def others(results: Sequence[Result]) -> list[str]:
    """Verdicts that are not the expected ones."""
    return [
        f"{one.cell.alias}: {one.judged.verdict}: {'; '.join(one.judged.reasons)}"
        for one in results
        if one.judged.verdict is not NOT_YET.get(one.cell.alias, Verdict.PASS)
    ]


@pytest.mark.first
async def test_every_fault_is_survived_in_every_protocol(tmp_path: Path) -> None:
    for number in range(TRIES):
        results, wrong, stalls = await played(tmp_path / str(number))
        other = others(results)
        if not (other and stalls.too_long):
            break
    assert wrong == []
    if other:
        stood = f"(the loop was {stalls.longest_s:.2f} s late once)"
        pytest.fail(
            "\n".join(["other verdicts than expected (tests/faults/table.py):", *other, stood])
        )
    assert await misread(results) == []
