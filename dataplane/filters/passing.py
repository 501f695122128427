"""What becomes of an event by one filter's word."""

from dataplane.filters.api import Cut, Passed
from dataplane.filters.event import Event
from dataplane.filters.stage import Stage
from dataplane.llm.framing import Framing
from dataplane.llm.texts.closing import closed, silenced
from dataplane.runtime.messages import LocalReply


def as_one(events: list[Event]) -> list[Event]:
    """Events that came at the same time, for who is asked once; those of a JSON array stay."""
    form = events[0].form
    if form.framing is Framing.ELEMENTS:
        return events
    return [Event(b"".join(event.raw for event in events), form)]


def added(passed: list[Event], made: Passed, event: Event, stage: Stage) -> Cut | LocalReply | None:
    """Take over what a filter has made of an event; what ends the answer is returned."""
    if isinstance(made, Event):
        passed.append(made)
    elif isinstance(made, (Cut, LocalReply)):
        if not (isinstance(made, LocalReply) and stage.lets_pass(made)):
            return made
        passed.append(event)
    else:
        passed += made
    return None


def cut_whole(cut: Cut, event: Event) -> Cut:
    """A whole answer that is cut: as a filter has left it, else without a word."""
    operation = event.form.operation
    if cut.before:
        event = cut.before[0]
        json = event.json
    else:
        json = silenced(operation, event.json)
    return Cut(cut.reason, (event.with_json(closed(operation, json)),))
