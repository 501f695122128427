"""ListTasks: what is kept of a task to find it by, and which tasks are on a page. Pure.

Rule: a page goes on where the one before it ended, whatever has changed meanwhile: its token is a
place in the order, not a number. A task that has moved since is not told twice.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from dataplane.agents.a2a.values import STATES, Json, mapping, text

PAGE = 50
"""Of a client that does not say; the protocol's."""
MAX_PAGE = 100
"""The protocol's."""


class Line(msgspec.Struct, array_like=True, frozen=True):
    """What is kept of a task beside it."""

    id: str
    context_id: str = ""
    state: str = ""
    at_us: int = 0
    """The time of its status, in microseconds since 1970; 0: it does not say."""

    @property
    def place(self) -> tuple[int, str]:
        """Where it is in the order, which is unambiguous."""
        return self.at_us, self.id


class BadListingError(Exception):
    """What is asked for cannot be; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for."""

    context_id: str = ""
    """Empty: of all."""
    state: str = ""
    """Empty: in any."""
    since_us: int = 0
    size: int = PAGE
    after: tuple[int, str] | None = None
    """The place of the last task of the page before."""
    artifacts: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Tasks by their ids, newest first."""

    ids: tuple[str, ...]
    next_token: str
    """Empty: this was the last one."""
    total: int
    """Of all pages."""


def read_listing(params: Json) -> Listing:
    """The parameters of 1.0. Raises BadListingError."""
    size, state, since = params.get("pageSize"), params.get("status"), None
    if size is None:
        size = PAGE
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_PAGE:
        raise BadListingError(f"`pageSize` is not a number from 1 to {MAX_PAGE}.")
    if state not in (None, "", "TASK_STATE_UNSPECIFIED", *STATES):
        raise BadListingError("`status` is not a state of a task.")
    if params.get("statusTimestampAfter"):
        since = _microseconds(text(params["statusTimestampAfter"]))
        if since is None:
            raise BadListingError("`statusTimestampAfter` is not a time in RFC 3339.")
    token = text(params.get("pageToken"))
    return Listing(
        text(params.get("contextId")),
        state if state in STATES else "",
        since or 0,
        size,
        _place(token) if token else None,
        params.get("includeArtifacts") in (True, "true"),
    )


def line_of(task: Json) -> Line:
    """What is kept of a task."""
    status = mapping(task.get("status"))
    at = _microseconds(text(status.get("timestamp")))
    return Line(
        text(task.get("id")), text(task.get("contextId")), text(status.get("state")), at or 0
    )


def page_of(lines: Iterable[Line], wanted: Listing) -> Page:
    """The tasks of a page."""
    fitting = [
        line
        for line in lines
        if (not wanted.context_id or line.context_id == wanted.context_id)
        and (not wanted.state or line.state == wanted.state)
        and line.at_us >= wanted.since_us
    ]
    fitting.sort(key=lambda line: line.place, reverse=True)
    rest = [line for line in fitting if wanted.after is None or line.place < wanted.after]
    shown = rest[: wanted.size]
    token = _token(shown[-1].place) if len(rest) > len(shown) else ""
    return Page(tuple(line.id for line in shown), token, len(fitting))


def listed(task: Json, wanted: Listing) -> Json:
    """What a page says of a task."""
    if wanted.artifacts:
        return task
    return {name: task[name] for name in task if name != "artifacts"}


def told_page(page: Page, tasks: list[Json], wanted: Listing) -> Json:
    """The answer, as of 1.0."""
    return {
        "tasks": tasks,
        "nextPageToken": page.next_token,
        "pageSize": wanted.size,
        "totalSize": page.total,
    }


def _microseconds(time: str) -> int | None:
    """RFC 3339; None when it is none."""
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return None
    since = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = msgspec.json.Decoder(tuple[int, str])


def _token(place: tuple[int, str]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(token: str) -> tuple[int, str]:
    try:
        return _PLACE.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, msgspec.MsgspecError) as problem:
        raise BadListingError("`pageToken` is none of ours.") from problem
