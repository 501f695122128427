"""What the demo starts: two agents, the model and Outrider."""

import sys
from pathlib import Path

from deploy.running.processes import PLANES, Program, outrider

TRAVEL = Path(__file__).parent.parent

PORTS = {
    12000: "model listener",
    12001: "agent listener",
    12010: "weather agent",
    12011: "flights agent",
    12020: "model",
} | PLANES


def programs(config: Path, state: Path, workers: int) -> list[Program]:
    """The agents, the model and Outrider itself, in the order in which they are started."""
    return [
        _script("weather", "agents/weather.py", "http://127.0.0.1:12010/healthz"),
        _script("flights", "agents/flights.py", "http://127.0.0.1:12011/healthz"),
        _script("model", "model.py", "http://127.0.0.1:12020/health"),
        outrider(config, state, "--workers", str(workers)),
    ]


def _script(name: str, path: str, ready_url: str) -> Program:
    return Program(name, (sys.executable, str(TRAVEL / path)), ready_url)
