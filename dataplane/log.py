"""Where log lines of a data plane go, and the lines that other programs read."""

import logging
import re
import sys
from collections.abc import Mapping

NOT_A_KEY = re.compile(r"[^\w.-]")


def log_to_stderr(who: str) -> None:
    """One line an event, on stderr; stdout is for the access log."""
    line = f"%(asctime)s %(levelname)s {who} %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=line, force=True)


def say_ready(facts: Mapping[str, object]) -> None:
    """`ready key=value ...`: we serve, and where."""
    words = (f"{NOT_A_KEY.sub('_', key)}={value}" for key, value in facts.items())
    sys.stderr.write(f"ready {' '.join(words)}\n")
    sys.stderr.flush()


def say_refused(why: str) -> None:
    """`refused: REASON`: nothing is served, because the first config cannot be."""
    sys.stderr.write(f"refused: {' '.join(why.split())}\n")
    sys.stderr.flush()


def address_text(host: str, port: int) -> str:
    """host:port as a URL has it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
