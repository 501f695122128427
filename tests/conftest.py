"""Options of the whole suite."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

# Programs are started while gRPC runs here: its handlers of forks have aborted one of them.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
# Whoever imports numpy gets no threads: tests/support/forks.py.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Until all are collected there is next to no garbage, and looking for it in what is there takes two
# fifths of the time to compile and collect.
gc.disable()

# How long an example takes says how busy the machine is, nothing of the code.
settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `make test` tries a quarter of the examples; `make test-all` all.
settings.register_profile("suite", settings.get_profile("thorough"), max_examples=25)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write expected files instead of comparing"
    )


def pytest_collection_finish() -> None:
    """What was collected stays (660,000 objects of ten thousand tests), and walking it for garbage
    stops a loop for longer than many a time limit that is under test.
    """
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that take seconds are begun first."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)
