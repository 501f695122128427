"""What an example starts: its two agents, the model, and Outrider. One for every framework."""

import sys
from pathlib import Path

from deploy.running.environments import python_with
from deploy.running.node import command
from deploy.running.processes import PLANES, Program, outrider

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILT = ROOT / "build" / "frameworks"
MODELS_URL = "http://127.0.0.1:12100/v1"
AGENTS_URL = "http://127.0.0.1:12101/v1"
MODEL_URL = "http://127.0.0.1:12120"
COLLECTOR_PORT = 12130
AGENTS = {"researcher": 12110, "writer": 12111}

PORTS = {
    12100: "model listener",
    12101: "agent listener",
    12110: "researcher",
    12111: "writer",
    12120: "model",
    COLLECTOR_PORT: "collector of traces",
} | PLANES

QUIET = {
    # LangSmith, CrewAI and OpenAI are told of every run unless somebody says that they are not.
    "LANGSMITH_TRACING": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}


def frameworks() -> list[str]:
    """Names of the examples: folders with agents in them."""
    lists = ("requirements.txt", "package.json")
    return sorted(
        folder.name for folder in HERE.iterdir() if any((folder / name).exists() for name in lists)
    )


def agent(framework: str, role: str, port: int, models_url: str) -> Program:
    """One agent of a framework; its environment is made when it is not there."""
    folder, built = HERE / framework, BUILT / framework
    if (folder / "package.json").exists():
        argv = command(folder, "agents.mjs", built)
    else:
        python = python_with(built, (folder / "requirements.txt").read_text())
        argv = (str(python), "-m", f"deploy.examples.frameworks.{framework}.agents")
    argv = (*argv, role, "--port", str(port))
    # CrewAI keeps things at home.
    home = BUILT / "home"
    home.mkdir(parents=True, exist_ok=True)
    environ = {"PYTHONPATH": str(ROOT), "HOME": str(home), "MODELS_URL": models_url, **QUIET}
    return Program(role, argv, f"http://127.0.0.1:{port}/healthz", environ)


def programs(framework: str, config: Path, state: Path) -> list[Program]:
    """All of them, in the order in which they are started."""
    model = (sys.executable, "-m", "deploy.examples.frameworks.model")
    return [
        *(agent(framework, role, port, MODELS_URL) for role, port in AGENTS.items()),
        Program("model", model, f"{MODEL_URL}/healthz"),
        outrider(config, state, "--access-log", str(state / "access.log")),
    ]
