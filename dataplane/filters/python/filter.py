"""A filter that is a class of the operator's own, loaded from an installed package.

Rule: whatever it does wrong is the filter's failure, never the gateway's.
"""

import importlib
import inspect
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Continue,
    Cut,
    Filter,
    Head,
    Maybe,
    Passed,
    UnusableFilterError,
    Verdict,
    asks,
    settings_of,
)
from dataplane.filters.asked import Asked
from dataplane.filters.event import Event
from dataplane.filters.python import author
from dataplane.filters.python.together import Together
from dataplane.filters.text import Said, TextAnswer
from dataplane.llm.texts.slot import Part
from dataplane.runtime import config
from dataplane.runtime.effects import Await, Awaited, CallFailed, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

log = logging.getLogger(__name__)

ANSWERS = ("on_head", "on_event", "on_text", "on_end")
THREE = ("on_text",)
"""Methods that are called with three arguments; the others get two."""
Method = Callable[..., Any]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"path": "class"}):
    """See PythonConfig of the control plane."""

    path: str
    settings: dict[str, Any] = {}


class FilterProblem(Exception):
    """What an author's method has done wrong."""


class PythonFilter(Filter):
    """Calls the methods that its class has."""

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        settings = settings_of(spec, Settings)
        made = _made(settings)
        self._timeout_s = spec.timeout_s
        self._methods: dict[str, Method] = {
            name: method for name in ("on_request", *ANSWERS) if (method := _method(made, name))
        }
        if not self._methods:
            names = ", ".join(("on_request", *ANSWERS))
            raise UnusableFilterError(f"{settings.path} has none of the methods {names}")
        if inspect.iscoroutinefunction(self._methods.get("on_text")):
            raise UnusableFilterError(f"{settings.path}.on_text may not be async")
        for name, method in self._methods.items():
            _check_arguments(method, f"{settings.path}.{name}", 3 if name in THREE else 2)
        self.asks: Method = self._methods.get("on_request", _nothing)
        self.in_task = inspect.iscoroutinefunction(self.asks)
        self.together = Together if "on_request" in self._methods else None
        self._alone = Together((self,))
        self.wants_answers = any(name in self._methods for name in ANSWERS)

    def on_request(self, request: Request, context: Context) -> Maybe[Verdict]:
        """See Filter."""
        if self.together is None:
            return Continue(request)
        return self._alone.on_request(request, context)

    def awaited(
        self, asked: Asked, context: Context, coroutine: Any, waits_for: object
    ) -> Steps[Verdict]:
        """What comes of its method, which waits for somebody."""
        made = yield from awaited(self.id, lambda: coroutine, self._timeout_s, (waits_for,))
        if isinstance(made, LocalReply):
            return made
        try:
            return self.verdict(asked, context, made)
        except Exception as problem:
            return self.failed(problem)

    def failed(self, problem: Exception) -> LocalReply:
        """Its method has raised that."""
        return failed(self.id, problem)

    def verdict(self, asked: Asked, context: Context, made: object) -> Verdict:
        """What its method has returned. Raises what goes wrong with that."""
        if made is None or made is asked:
            request = asked.rewritten()
            if request is asked.request:
                context.read = asked
            return Continue(request)
        if isinstance(made, author.Refuse):
            return refused(self.id, made)
        if isinstance(made, Asked):
            return Continue(made.rewritten())
        raise FilterProblem(f"on_request returned a {type(made).__name__}")

    def on_answer(self, request: Request, context: Context) -> AnswerFilter:
        """See Filter."""
        events = _Events(self.id, self._methods, context, self._timeout_s)
        if "on_text" not in self._methods:
            return events
        return _Both(_Words(self.id, self._methods["on_text"], context), events)


class _Events(AnswerFilter):
    """The methods of one answer."""

    def __init__(
        self, filter_id: str, methods: dict[str, Method], context: Context, timeout_s: float
    ) -> None:
        self.id = filter_id
        self._context = context
        self._timeout_s = timeout_s
        self._head = methods.get("on_head")
        self._event = methods.get("on_event")
        self._end = methods.get("on_end")
        self.wants_head = self._head is not None
        self.wants_events = self._event is not None or self._end is not None

    def on_head(self, head: Head) -> Maybe[Head | LocalReply]:
        """See AnswerFilter."""
        if self._head is None:
            return head
        return cast(
            "Maybe[Head | LocalReply]",
            self._call(partial(self._head, head, self._context), partial(_head, head)),
        )

    def on_event(self, event: Event) -> Maybe[Passed]:
        """See AnswerFilter."""
        method = self._event
        if method is None:
            return event
        try:
            made = method(event, self._context)
        except Exception as problem:
            return failed(self.id, problem)
        if made is None:
            return event
        if inspect.iscoroutine(made):
            return self._awaited(lambda: made, partial(_passed, event))
        return cast("Passed", self._checked(made, partial(_passed, event)))

    def on_end(self, complete: bool) -> Maybe[Passed]:
        """See AnswerFilter."""
        if self._end is None:
            return ()
        call = partial(self._end, complete, self._context)
        return cast("Maybe[Passed]", self._call(call, partial(_passed, ())))

    def _call(self, call: Callable[[], Any], read: Callable[[Any], Any]) -> Any:
        try:
            made = call()
        except Exception as problem:
            return failed(self.id, problem)
        if inspect.iscoroutine(made):
            return self._awaited(lambda: made, read)
        return self._checked(made, read)

    def _awaited(self, start: Callable[[], Any], read: Callable[[Any], Any]) -> Steps[Any]:
        made = yield from awaited(self.id, start, self._timeout_s)
        return made if isinstance(made, LocalReply) else self._checked(made, read)

    def _checked(self, made: Any, read: Callable[[Any], Any]) -> Any:
        if isinstance(made, author.Refuse):
            return refused(self.id, made)
        try:
            return read(made)
        except FilterProblem as problem:
            return failed(self.id, problem)


class _Words(TextAnswer):
    """`on_text`."""

    def __init__(self, filter_id: str, method: Method, context: Context) -> None:
        super().__init__()
        self._id = filter_id
        self._method = method
        self._context = context

    def on_text(self, text: str, part: Part, last: bool) -> Said | Cut | LocalReply:
        """See TextAnswer."""
        try:
            made = self._method(text, self._context, last)
        except Exception as problem:
            return failed(self._id, problem)
        match made:
            case None:
                return text, ""
            case str():
                return made, ""
            case (str(), str()) | Cut():
                return cast("Said | Cut", made)
            case author.Refuse():
                return refused(self._id, made)
            case _:
                what = f"on_text returned a {type(made).__name__}"
                return failed(self._id, FilterProblem(what))


class _Both(AnswerFilter):
    """Texts first; of what they leave the other methods hear."""

    def __init__(self, words: _Words, events: _Events) -> None:
        self._words = words
        self._events = events
        self.wants_head = events.wants_head

    def on_head(self, head: Head) -> Maybe[Head | LocalReply]:
        """See AnswerFilter."""
        return self._events.on_head(head)

    def on_event(self, event: Event) -> Maybe[Passed]:
        """See AnswerFilter."""
        made = self._words.on_event(event)
        return self._heard(made) if self._events.wants_events else made

    def on_end(self, complete: bool) -> Maybe[Passed]:
        """See AnswerFilter."""
        made = self._words.on_end(complete)
        return self._ended(made, complete) if self._events.wants_events else made

    def _heard(self, made: Passed) -> Steps[Passed]:
        if isinstance(made, (Cut, LocalReply)):
            return made
        out: list[Event] = []
        for event in _listed(made):
            heard = self._events.on_event(event)
            if asks(heard):
                heard = yield from heard
            if isinstance(heard, LocalReply):
                return heard
            if isinstance(heard, Cut):
                return Cut(heard.reason, (*out, *heard.before))
            out += _listed(heard)
        return out

    def _ended(self, made: Passed, complete: bool) -> Steps[Passed]:
        heard = yield from self._heard(made)
        if isinstance(heard, (Cut, LocalReply)):
            return heard
        last = self._events.on_end(complete)
        if asks(last):
            last = yield from last
        if isinstance(last, LocalReply):
            return last
        if isinstance(last, Cut):
            return Cut(last.reason, (*_listed(heard), *last.before))
        return [*_listed(heard), *_listed(last)]


def _listed(made: Event | Sequence[Event]) -> Sequence[Event]:
    return (made,) if isinstance(made, Event) else made


def awaited(
    filter_id: str,
    start: Callable[[], Any],
    timeout_s: float,
    waits_for: tuple[object] | None = None,
) -> Steps[Any]:
    """What an author's coroutine returns; a LocalReply when it failed."""
    run = cast("Callable[[], Coroutine[Any, Any, object]]", start)
    try:
        reply = yield Await(run, timeout_s, waits_for)
    except GeneratorExit:  # nobody has begun with it, or goes on
        run().close()
        raise
    if isinstance(reply, CallFailed):
        message = f"Filter '{filter_id}' did not answer in time: {reply.message}."
        return LocalReply(504, message, ResponseDetail.FILTER_TIMEOUT)
    assert isinstance(reply, Awaited)
    return failed(filter_id, reply.raised) if reply.raised is not None else reply.value


def failed(filter_id: str, problem: Exception) -> LocalReply:
    """The client is told that it failed, the log why."""
    log.error("filter %s failed", filter_id, exc_info=problem)
    return LocalReply(502, f"Filter '{filter_id}' failed.", ResponseDetail.FILTER_FAILED)


def refused(filter_id: str, refusal: author.Refuse) -> LocalReply:
    """The author's words."""
    message = f"Filter '{filter_id}' refused the request: {refusal.message}"
    status = refusal.status if 400 <= refusal.status < 600 else 403
    return LocalReply(status, message, ResponseDetail.FILTER_REFUSED)


def _head(head: Head, made: Any) -> Head:
    if made is None:
        return head
    if isinstance(made, Head) and 200 <= made.status < 600:
        return made
    raise FilterProblem(f"on_head returned {made!r:.80}")


def _passed(instead: Any, made: Any) -> Passed:
    if made is None:
        return cast("Passed", instead)
    if isinstance(made, (Event, Cut)):
        return made
    if isinstance(made, (list, tuple)) and all(isinstance(one, Event) for one in made):
        return made
    raise FilterProblem(f"it returned a {type(made).__name__} in place of events")


def _nothing(asked: Asked, context: Context) -> None:
    """Of who does not look at requests."""


def _made(settings: Settings) -> object:
    """An instance of the operator's class. Raises UnusableFilterError."""
    module, _, name = settings.path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
        return found(settings.settings)
    except Exception as problem:
        if not _is_nowhere(problem, module):  # then where in the class it fails is of interest
            log.exception("class %s cannot be made", settings.path)
        what = f"{type(problem).__name__}: {problem}"
        raise UnusableFilterError(f"{settings.path} cannot be made: {what}") from problem


def _check_arguments(method: Method, path: str, count: int) -> None:
    """Raises UnusableFilterError when a method cannot be called as it will be: else it would fail
    with every request.
    """
    try:
        told = inspect.signature(method)
    except ValueError:
        return  # written in C, it tells nothing
    try:
        told.bind(*range(count))
    except TypeError as problem:
        takes = ", ".join(told.parameters)
        raise UnusableFilterError(
            f"{path} takes ({takes}) and is called with {count} arguments:"
            " see dataplane/filters/python/author.py"
        ) from problem


def _is_nowhere(problem: Exception, module: str) -> bool:
    """Whether it failed before any line of the operator's ran: the reason says all there is to say.

    The module or the class is not there, or the class is not made with settings.
    """
    if isinstance(problem, ModuleNotFoundError):
        return f"{module}.".startswith(f"{problem.name}.")
    trace = problem.__traceback__
    return trace is not None and trace.tb_next is None


def _method(made: object, name: str) -> Method | None:
    """A method that the class has itself, not from the base that does nothing."""
    of_class = getattr(type(made), name, None)
    if of_class is None or of_class is getattr(author.Filter, name):
        return None
    return cast("Method", getattr(made, name))
