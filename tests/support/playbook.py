"""Plays the world for a generator of effects: the test is the conversation.

assert play(steps, CHECK, HttpReply(200)) == Continue(PROMPT)
"""

from typing import TypeVar

from dataplane.runtime.decision import Decision
from dataplane.runtime.effects import (
    CallFailed,
    CallHttp,
    Decide,
    DecideAmong,
    Effect,
    Recall,
    Recalled,
    Remember,
    Reply,
    Steps,
)
from dataplane.runtime.messages import HttpReply

T = TypeVar("T")


def play(steps: Steps[T], *script: Effect | Reply) -> T:
    """Run `steps` to its end; `script` is each effect it must ask for, followed by its reply."""
    at = 0
    try:
        effect = next(steps)
        while True:
            told = "\n".join(f"  {'>>' if i % 2 else '<<'} {line}" for i, line in enumerate(script))
            assert at < len(script), f"asked for more than\n{told}\n  << {effect}"
            expected, reply = script[at], script[at + 1]
            assert isinstance(expected, CallHttp | Decide | DecideAmong | Recall | Remember)
            assert isinstance(reply, HttpReply | CallFailed | Decision | Recalled)
            assert effect == expected, f"step {at // 2 + 1} of\n{told}\nwas instead\n  << {effect}"
            at += 2
            effect = steps.send(reply)
    except StopIteration as end:
        assert at == len(script), f"ended before {script[at]}"
        result: T = end.value
        return result
