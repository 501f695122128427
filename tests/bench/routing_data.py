"""Labelled conversations for the router: the folder format of `make eval-router DATA=dir`.

agents.json: {scenario: {"source": text, "agents": [{"id", "description"}, ...]}}; *.jsonl: one
conversation a line, {"scenario", "kind", "messages": [{"role", "content"}], "expected": [ids]},
with optional "weak" (the label is a guess), "unordered" (the order of `expected` says nothing) and
"dialogue" (which dialogue it was cut from). Kinds: single, oos, smalltalk (expected none), multi,
mt_followup, mt_switch, mt_close (expected none); others are not scored. Scenarios that no line uses
are ignored; so are lines whose scenario agents.json does not know.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Turn


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled conversation."""

    scenario: str
    kind: str
    conversation: tuple[Turn, ...]
    expected: tuple[str, ...]
    weak: bool
    unordered: bool
    dialogue: str

    @property
    def text(self) -> str:
        """The last message."""
        return self.conversation[-1].text


@dataclass(frozen=True, slots=True)
class RoutingData:
    """A folder, read."""

    agents: dict[str, tuple[AgentTarget, ...]]
    sources: dict[str, str]
    examples: tuple[Example, ...]

    def source(self, scenario: str) -> str:
        """Whose data a scenario is."""
        return self.sources[scenario]


def load(folder: Path) -> RoutingData:
    """Reads every *.jsonl of the folder. Raises FileNotFoundError when there is none."""
    known = json.loads((folder / "agents.json").read_text())
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise FileNotFoundError(f"{folder}: no *.jsonl files")
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    examples = [_example(row) for row in map(json.loads, lines) if row["scenario"] in known]
    used = {example.scenario for example in examples}
    return RoutingData(
        agents={
            name: tuple(
                AgentTarget(
                    agent=a["id"],
                    description=a["description"],
                    position=i,
                    examples=tuple(a.get("examples", ())),
                )
                for i, a in enumerate(scenario["agents"])
            )
            for name, scenario in known.items()
            if name in used
        },
        sources={name: _source(name, known[name].get("source", name)) for name in used},
        examples=tuple(examples),
    )


def named(data: RoutingData) -> Iterator[Example]:
    """The later turns of dialogues, when the proxy wrote the answering agent's name on each earlier
    answer; known where the earlier turn is a row of its own."""
    answered: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for e in data.examples:
        if e.dialogue and len(e.expected) == 1:
            answered[e.scenario, e.dialogue, tuple(t.text for t in e.conversation)] = e.expected[0]
    for e in data.examples:
        if not e.kind.startswith("mt_"):
            continue
        turns = list(e.conversation)
        for i, turn in enumerate(turns):
            before = tuple(t.text for t in turns[:i])
            name = answered.get((e.scenario, e.dialogue, before))
            if turn.role == "assistant" and name:
                turns[i] = replace(turn, name=name)
        yield replace(e, conversation=tuple(turns))


def _example(row: dict[str, object]) -> Example:
    messages = row["messages"]
    expected = row["expected"]
    assert isinstance(messages, list)
    assert isinstance(expected, list)
    return Example(
        scenario=str(row["scenario"]),
        kind=str(row["kind"]),
        conversation=tuple(Turn(m["role"], m["content"], m.get("name", "")) for m in messages),
        expected=tuple(expected),
        weak=bool(row.get("weak")),
        unordered=bool(row.get("unordered")),
        dialogue=str(row.get("dialogue", "")),
    )


def _source(scenario: str, source: str) -> str:
    """ "CLINC150 (clinc/oos-eval, CC BY 3.0)" -> "CLINC150"."""
    return (source.split("(")[0].split(";")[0].strip() or scenario)[:40]
