"""Options of the whole suite."""

import os

import pytest

# Programs are started while gRPC runs here: its handlers of forks have aborted one of them.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write expected files instead of comparing"
    )
