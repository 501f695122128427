"""The matrix: every case of tests/golden/llm in every other protocol.

`pytest tests/unit/dataplane/llm/translate/test_golden.py --update-golden` writes the expected
files; review the diff. One of them: `-k chat/request/tools-to-messages`.
"""

import pytest

from dataplane.llm.hub.delta import End, Failed
from dataplane.runtime.protocols import Protocol
from tests.support.deltas import check
from tests.support.llm_golden import (
    GOLDEN,
    SNAPSHOT,
    Case,
    cases,
    deltas_of,
    made,
    pairs,
)

STREAMS = cases("stream")


@pytest.mark.parametrize(
    ("case", "target"), [pytest.param(c, t, id=f"{c.name}-to-{t.value}") for c, t in pairs()]
)
def test_case_becomes_what_was_reviewed(
    case: Case, target: Protocol, request: pytest.FixtureRequest
) -> None:
    found = made(case, target)
    expected = case.snapshot(target)
    if request.config.getoption("--update-golden", default=False):
        expected.write_bytes(found.encode())
    assert expected.exists(), f"run with --update-golden and review {expected.name}"
    assert found == expected.read_bytes().decode()


@pytest.mark.parametrize("case", STREAMS, ids=[case.name for case in STREAMS])
def test_deltas_keep_the_rule(case: Case) -> None:
    deltas = deltas_of(case)
    check(deltas)
    assert any(isinstance(delta, End | Failed) for delta in deltas) != case.path.stem.startswith(
        "cut"
    ), "a case whose stream has no end is called cut..."


def test_no_snapshot_is_left_of_a_case_that_is_gone() -> None:
    left = [
        path.name
        for path in GOLDEN.glob(f"*/*/*{SNAPSHOT}*")
        if not any(
            path.with_name(path.name.partition(SNAPSHOT)[0] + ending).exists()
            for ending in (".json", ".jsonl", ".sse")
        )
    ]
    assert left == []
