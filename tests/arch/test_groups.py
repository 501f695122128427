"""Tests that share something run in one process: `xdist_group` does what it is there for."""

import os

import pytest


@pytest.mark.xdist_group("together")
def test_a_group_is_a_part_of_the_name_that_tests_are_given_out_by(
    request: pytest.FixtureRequest,
) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("nothing is given out: there is one process")
    assert request.node.nodeid.endswith("@together")
