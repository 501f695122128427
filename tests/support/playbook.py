"""Plays the world for a generator of effects: the test is the conversation.

assert play(steps, CHECK, HttpReply(200)) == Continue(PROMPT)

Flows that go side by side (AtOnce) are played one after the other, each to its end; the script goes
on with their effects.
"""

from collections.abc import Sequence
from typing import TypeVar

from dataplane.runtime.decision import Decision
from dataplane.runtime.effects import (
    AskAgain,
    AskAgent,
    AtOnce,
    Await,
    Awaited,
    CallFailed,
    CallHttp,
    CallModel,
    Decide,
    DecideAmong,
    Effect,
    Passed,
    PassOn,
    Recall,
    Recalled,
    Remember,
    Reply,
    Steps,
    Tell,
    Together,
    Told,
)
from dataplane.runtime.messages import HttpReply, LocalReply

T = TypeVar("T")


def play(steps: Steps[T], *script: Effect | Reply) -> T:
    """Run `steps` to its end; `script` is each effect it must ask for, followed by its reply."""
    played = _Played(script)
    result = played.run(steps)
    assert played.at == len(script), f"ended before {script[played.at]}"
    return result


class _Played:
    def __init__(self, script: Sequence[Effect | Reply]) -> None:
        self._script = script
        self.at = 0

    def run(self, steps: Steps[T]) -> T:
        try:
            effect = next(steps)
            while True:
                effect = steps.send(self._reply(effect))
        except StopIteration as end:
            result: T = end.value
            return result

    def _reply(self, effect: Effect) -> Reply:
        if isinstance(effect, AtOnce):
            return self._together(effect)
        script, at = self._script, self.at
        told = "\n".join(f"  {'>>' if i % 2 else '<<'} {line}" for i, line in enumerate(script))
        assert at < len(script), f"asked for more than\n{told}\n  << {effect}"
        expected, reply = script[at], script[at + 1]
        assert isinstance(
            expected,
            CallHttp
            | CallModel
            | AskAgent
            | AskAgain
            | PassOn
            | Tell
            | Decide
            | DecideAmong
            | Recall
            | Remember
            | Await,
        )
        assert isinstance(
            reply, HttpReply | CallFailed | Passed | Told | Decision | Recalled | Awaited
        )
        assert effect == expected, f"step {at // 2 + 1} of\n{told}\nwas instead\n  << {effect}"
        self.at += 2
        return reply

    def _together(self, effect: AtOnce) -> Together:
        results = []
        for branch in effect.branches:
            result = self.run(branch)
            if isinstance(result, LocalReply):
                return Together((result,))
            results.append(result)
        return Together(tuple(results))
