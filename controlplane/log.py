"""Where log lines of a control plane go, and the one line that other programs read."""

import logging
import sys
from collections.abc import Mapping


def log_to_stderr() -> None:
    """One line an event, on stderr."""
    line = "%(asctime)s %(levelname)s controlplane %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=line, force=True)


def say_ready(addresses: Mapping[str, str]) -> None:
    """`ready key=value ...`: we serve, and where."""
    words = " ".join(f"{key}={value}" for key, value in addresses.items())
    sys.stderr.write(f"ready {words}\n")
    sys.stderr.flush()
