"""`outrider limits`, as typed and as shown."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from outriderpb.admin.v1 import limits_pb2
from rich.console import Console

from controlplane.cli.limits import picture
from controlplane.cli.main import main
from controlplane.limits.account import Line, Spec
from tests.support.control import control_plane

ID = ("team", "cost", ("acme", ""))


@pytest.mark.parametrize("words", [["limits"], ["limits", "team"]])
async def test_who_has_used_what_is_listed(words: list[str], tmp_path: Path) -> None:
    async with control_plane(tmp_path) as plane:
        ledger = plane.ledger
        ledger.configure({ID[:2]: Spec(50_000_000_000, 1.0)}, 0.0)
        session, _ = ledger.open("node/0", "1", 0.0)
        ledger.report(session, [Line(ID, self_granted=7_500_000_000, spent=5_000_000_000)], 0.0)
        argv = [*words, "--admin", plane.admin_address]
        shown = await asyncio.to_thread(CliRunner().invoke, main, argv)
        told = await asyncio.to_thread(CliRunner().invoke, main, [*argv, "--json"])
    assert shown.exit_code == 0
    assert "1 bucket in use, 1 workers" in shown.stdout
    assert "acme, -" in shown.stdout
    assert "$5.0000" in shown.stdout
    (bucket,) = json.loads(told.stdout)["buckets"]
    assert (bucket["limit"], bucket["leased"], bucket["spent"]) == (
        "team",
        "2500000000",
        "5000000000",
    )


def test_nothing_used_is_one_line() -> None:
    console = Console(width=100, record=True)
    console.print(picture(limits_pb2.ListLimitsResponse(holders=2)))
    assert console.export_text().strip() == "0 buckets in use, 2 workers"
