"""The soak of tests/faults/soak.py, a short one: every request ends in one truthful outcome."""

import pytest
from rich.console import Console

from tests.faults.soak import soak


@pytest.mark.slow
@pytest.mark.group("soak")
async def test_every_request_of_a_short_soak_is_accounted_for() -> None:
    report = await soak(20.0, 7, Console(quiet=True))
    assert "\n".join(report.wrong) == ""
    assert report.figures["kills"]
    assert report.figures["config_pushes"]
    assert report.account.failed_over > 0
    assert report.account.outcomes["whole"] > report.account.outcomes["error"] > 0
