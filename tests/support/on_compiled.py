"""A plugin for runs on the compiled data plane (`-p tests.support.on_compiled`): they are on it."""

from dataplane.server import front


def pytest_sessionstart() -> None:
    """Before the first test."""
    assert not front.__file__.endswith(".py"), f"{front.__file__} is not compiled"
