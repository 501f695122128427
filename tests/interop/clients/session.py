"""Runs a developer's tasks against one gateway and prints what the client read, as JSON.

Arguments: the gateway's URL, then the models to ask.
"""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

SYSTEM = "Be brief."
DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJg"
    "gg=="
)
"""A PNG of one pixel, in base64."""
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where."}},
    "required": ["city"],
    "additionalProperties": False,
}
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "integer"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}
HELLO = "zz-hello"
STREAM = "zz-stream"
TOOLS = "zz-tools"
STRUCTURED = "zz-structured, as JSON"
IMAGE = "zz-image"
LINK = "https://127.0.0.1/dot.png"
FAIL = "zz-fail"
FILE = "zz-file"
PDF = "JVBERi0xLjQKJSVFT0YK"
"""A PDF without pages, in base64."""
THINK = "zz-think"
"""With tools, as TOOLS."""
LONG = "zz-long"
"""The answer is longer than it may be."""
LIMIT = 1234
STOP = "END"
CUT = "zz-cut"
"""The provider breaks off in the middle of a stream."""
NOBODY = "nobody/has-this"
"""No model."""

Told = dict[str, Any]
Task = Callable[[str], Told]
"""Asks a model; the result is what the test asserts on."""


def weather(city: str) -> str:
    """The weather in a city."""
    return {"Tromsø": "-4 C", "Bergen": "9 C"}[city]


def play(make: Callable[[str], Mapping[str, Task]]) -> None:
    """Run every task with every model; what a task raises is told too."""
    _, url, *models = sys.argv
    tasks = make(url)
    told = {model: {name: _try(task, model) for name, task in tasks.items()} for model in models}
    print("\n" + json.dumps(told))


def _try(task: Task, model: str) -> Told:
    try:
        return task(model)
    except Exception as problem:
        return {
            "error": type(problem).__name__,
            "status": getattr(problem, "status_code", getattr(problem, "code", None)),
            "message": str(problem)[:2000],
            "trace": traceback.format_exc()[-3000:],
        }
