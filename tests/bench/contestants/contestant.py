"""What a proxy must offer to be measured: a name, a start, and which of its processes count."""

import json
import urllib.request
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.processes import Program

CLIENT_KEY = "sk-bench-0123456789"
"""What clients present to ours and to those that keep no keys of their own."""
UPSTREAM_KEY = "sk-upstream-0000000000000000"
"""What every contestant puts in the place of the client's key."""
MODEL = "gpt-4o-mini"
CLAUDE = "claude-sonnet-4-5"
"""Served by the same fake provider, as Messages."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contestant runs."""

    folder: Path
    """For its config, logs and state; inside build/."""
    upstream_port: int
    proxy_core: int
    other_core: int
    """For everything that is not the proxy: load, upstream, control plane."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started contestant."""

    port: int
    programs: Sequence[Program]
    """Frozen together while others are measured."""
    counted: Sequence[int]
    """Ids of the processes whose CPU and memory count."""
    key: str = CLIENT_KEY
    """What its clients present."""


class Contestant(Protocol):
    """One proxy under measurement; `running` starts it, waits until it serves, and stops it."""

    name: str
    rewrites_bodies: bool
    """What it answers is not what the upstream said, so its length cannot be checked."""

    def running(self, place: Place) -> AbstractContextManager[Running]: ...


def first_request(port: int, key: str = CLIENT_KEY) -> urllib.request.Request:
    """A small chat completion: a contestant that answers it serves."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    return urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
