"""The sixteen faults of tests/faults/ with a less patient operator: what clients get of each."""

from pathlib import Path

import pytest

from tests.faults.play import play
from tests.faults.run import misread
from tests.faults.scenarios import ACROSS, CELLS, SHORT, config
from tests.faults.table import NOT_YET
from tests.faults.verdict import Verdict
from tests.faults.wall import running_wall
from tests.support.planes import planes

KEYS = {"WALL_KEY": "sk-wall"}


@pytest.mark.first
async def test_every_fault_is_survived_in_every_protocol(tmp_path: Path) -> None:
    cells = (*CELLS, *ACROSS)
    async with (
        running_wall(token_s=SHORT.token_s, outage_s=SHORT.outage_s) as wall,
        planes(config(cells, wall.port, SHORT), tmp_path, environ=KEYS) as made,
    ):
        port = int(made.url("models").rpartition(":")[2])
        results = await play(cells, port, wall, SHORT)
    assert wall.wrong == []
    other = [
        f"{one.cell.alias}: {one.judged.verdict}: {'; '.join(one.judged.reasons)}"
        for one in results
        if one.judged.verdict is not NOT_YET.get(one.cell.alias, Verdict.PASS)
    ]
    if other:
        pytest.fail("\n".join(["other verdicts than expected (tests/faults/table.py):", *other]))
    assert await misread(results) == []
