"""Agents that are tools of MCP servers: their arguments say where the conversation goes."""

import json
import re
from collections.abc import Iterator

from controlplane.config import schema
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings, suggest

LIST = "{messages}"
WORDS = ("{message}", "{conversation}", LIST)
"""What the data plane puts the conversation in place of (dataplane/agents/mcp/tool.py)."""
_WORD = re.compile(r"\{\w+\}")


def check(agent: schema.Agent, path: Path, findings: Findings) -> None:
    """What an agent says about its tool."""
    if agent.protocol != "mcp":
        for key in ("tool", "arguments"):
            if key in agent.model_fields_set:
                what = f"means nothing to an agent of protocol {agent.protocol!r}"
                findings.add((*path, key), what, "write protocol: mcp, or remove it")
        return
    try:
        json.dumps(agent.arguments, allow_nan=False)
    except ValueError:
        hint = "tools get JSON: write it as a text"
        findings.add((*path, "arguments"), "has a number that JSON does not have", hint)
    told = False
    for at, said in _texts(agent.arguments, (*path, "arguments")):
        told = told or any(word in said for word in WORDS)
        if _WORD.fullmatch(said) and said not in WORDS:
            hint = suggest(said, WORDS, "words for the conversation")
            findings.add(at, f"unknown word {said!r}", hint)
        elif LIST in said and said != LIST:
            hint = "write {conversation}, or give it an argument of its own"
            findings.add(at, f"{LIST} is a list, which cannot be in a text", hint)
    if agent.arguments and not told:
        hint = "write {conversation} or {message} where the tool takes what is asked"
        findings.add((*path, "arguments"), "nothing of the conversation is in it", hint)


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a value, with its place."""
    match value:
        case str():
            yield path, value
        case dict():
            for key, one in value.items():
                yield from _texts(one, (*path, key))
        case list():
            for at, one in enumerate(value):
                yield from _texts(one, (*path, at))
        case _:
            pass
