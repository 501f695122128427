"""A filter that asks an HTTP service: what it answers replaces the request, or ends it.

Rule: fails closed. A request that the filter did not let through does not go on.
"""

import msgspec

from dataplane.filters.answer_head import changes_in_headers, told_in_headers
from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Continue,
    Filter,
    Head,
    UnusableFilterError,
    Verdict,
    settings_of,
)
from dataplane.filters.asking import AskedAnswer, Changed, How
from dataplane.filters.form import Form
from dataplane.llm.chat import is_json_object
from dataplane.llm.chat_answer import error_sentence
from dataplane.llm.errors import error_type
from dataplane.llm.framing import Framing
from dataplane.runtime import config
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.headers import for_services
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail

_KINDS = {
    Framing.SSE: "text/event-stream",
    Framing.FRAMES: "application/vnd.amazon.eventstream",
    Framing.ELEMENTS: "application/json",
    Framing.WHOLE: "application/json",
}
"""What a piece of an answer is called."""
JSON = (("content-type", "application/json"),)
MAX_RESPONSE = 16 * 1024
"""Bytes of a refusal's body that the client gets to see whole."""


class HttpFilter(Filter):
    """POSTs the request's body to `{path_prefix}{path}` of the filter's service."""

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        if not spec.cluster:
            raise UnusableFilterError("has no cluster")
        self._spec = spec
        self._how = settings_of(spec, How)
        self.wants_answers = True

    def on_request(self, request: Request, context: Context) -> Steps[Verdict]:
        """2xx: its body is the request from now on. 4xx: refused. Else the filter has failed."""
        spec = self._spec
        headers = tuple(
            pair for pair in for_services(request.headers) if pair[0].lower() != "accept"
        )
        asked = Request(
            "POST",
            spec.path_prefix + request.path,
            (*headers, *JSON, ("accept", "application/json")),
            request.body,
        )
        reply = yield from self._called(asked, "request")
        return reply if isinstance(reply, LocalReply) else self._continue(request, reply)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter:
        """See Filter. The service gets each piece at the request's path; 2xx: its body instead."""
        headers = tuple(
            pair for pair in for_services(request.headers) if pair[0].lower() != "accept"
        )
        path = self._spec.path_prefix + request.path

        def ask(data: bytes, form: Form, head: Head | None) -> Steps[bytes | Changed | LocalReply]:
            kind = ("content-type", _KINDS[form.framing])
            told = told_in_headers(head) if head is not None else ()
            asked = Request("POST", path, (*headers, *told, kind, ("accept", "*/*")), data)
            reply = yield from self._called(asked, "answer")
            if isinstance(reply, LocalReply) or head is None:
                return reply if isinstance(reply, LocalReply) else reply.body
            said = {name.lower(): value for name, value in reply.headers}
            changes = changes_in_headers(head, said)
            if isinstance(changes, str):
                return self._failed(changes)
            return Changed(reply.body, changes)

        return AskedAnswer(ask, self._how, self.id, self.lets_pass)

    def _called(self, asked: Request, what: str) -> Steps[HttpReply | LocalReply]:
        reply = yield CallHttp(self._spec.cluster, asked, self._spec.timeout_s)
        match reply:
            case HttpReply(status=status) if 200 <= status < 300:
                return reply
            case HttpReply(status=status) if 400 <= status < 500:
                return self._refused(reply, what)
            case HttpReply(status=status):
                return self._failed(f"answered {status}")
            case CallFailed(timed_out=True):
                message = f"Filter '{self.id}' did not answer in time: {reply.message}."
                return LocalReply(504, message, ResponseDetail.FILTER_TIMEOUT)
            case CallFailed():
                return self._failed(f"could not be asked: {reply.message}")
            case _:
                raise AssertionError(reply)

    def _continue(self, request: Request, reply: HttpReply) -> Verdict:
        if not is_json_object(reply.body):
            what = "a body that is not a JSON object" if reply.body else "an empty body"
            return self._failed(f"answered {reply.status} with {what}")
        return Continue(request.with_body(reply.body))

    def _refused(self, reply: HttpReply, what: str) -> LocalReply:
        said = error_sentence(reply) or f"it answered {reply.status}"
        message = f"Filter '{self.id}' refused the {what}: {said}"
        error: dict[str, object] = {
            "message": message,
            "type": error_type(reply.status),
            "param": None,
            "code": ResponseDetail.FILTER_REFUSED.value,
            "filter": self.id,
        }
        if len(reply.body) <= MAX_RESPONSE and is_json_object(reply.body):
            error["filter_response"] = msgspec.Raw(reply.body)
        body = msgspec.json.encode({"error": error})
        return LocalReply(reply.status, message, ResponseDetail.FILTER_REFUSED, JSON, body)

    def _failed(self, problem: str) -> LocalReply:
        message = f"Filter '{self.id}' {problem}."
        return LocalReply(502, message, ResponseDetail.FILTER_FAILED)
