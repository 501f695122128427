"""A filter that is a tool of an MCP server: what it returns replaces the request or the answer.

Rule: fails closed. The session belongs to the filter, not to a request: it is used again, and begun
anew when the server does not know it any more, once for each call.
"""

from typing import Any

import msgspec

from dataplane.filters.answer_head import changes_of, told
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
from dataplane.filters.mcp import wire
from dataplane.llm.chat import is_json_object
from dataplane.runtime import config
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.headers import for_services
from dataplane.runtime.messages import Headers, HttpReply, LocalReply, Request, ResponseDetail

_ID = "1"  # (one request at a time on each HTTP exchange, so nobody can mix them up)
_NO_SESSION = (400, 404)
_OTHER_GENERATION = (-32022, -32601, -32600, -32000)
"""What servers say to `initialize` who have no sessions."""


class Settings(How, frozen=True, forbid_unknown_fields=True):
    """See McpConfig of the control plane."""

    tool: str = ""


class _FailedError(Exception):
    """The tool could not be called."""

    def __init__(self, why: str, timed_out: bool = False) -> None:
        super().__init__(why)
        self.timed_out = timed_out


class McpFilter(Filter):
    """Calls one tool."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        if not spec.cluster:
            raise UnusableFilterError("has no cluster")
        self._spec = spec
        self._how = settings_of(spec, Settings)
        self._tool = self._how.tool or spec.id
        self._path = spec.path_prefix or "/mcp"
        self._is_stateless = False
        self._session: Headers | None = None
        """Headers of the session; None: none was begun."""

    def on_request(self, request: Request, context: Context) -> Steps[Verdict]:
        """The tool's result is the request from now on; an error of the tool is a refusal."""
        try:
            body = msgspec.json.decode(request.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            body = request.body.decode("utf-8", "replace")
        result = yield from self._called(body, request, "request", {})
        if isinstance(result, LocalReply):
            return result
        made = _made(result)
        if not is_json_object(made):
            return self._failed("returned no JSON object")
        kept = tuple(p for p in request.headers if p[0].lower() != "content-length")
        return Continue(Request(request.method, request.path, kept, made, request.query))

    def on_answer(self, request: Request, context: Context) -> AnswerFilter:
        """See Filter. A stream's events are given as text, a whole answer as what it is."""

        def ask(data: bytes, form: Form, head: Head | None) -> Steps[bytes | Changed | LocalReply]:
            body: Any = data.decode("utf-8", "replace")
            if is_json_object(data):
                body = msgspec.json.decode(data)
            more = {"status": head.status, "headers": told(head)} if head is not None else {}
            result = yield from self._called(body, request, "answer", more)
            if isinstance(result, LocalReply):
                return result
            if head is None or not isinstance(result.structured, dict):
                return _made(result)
            said = result.structured if "result" in result.structured else {}
            changes = changes_of(head, said.get("status"), said.get("headers"))
            if isinstance(changes, str):
                return self._failed(changes)
            return Changed(_made(result), changes)

        return AskedAnswer(ask, self._how, self.id, self.lets_pass)

    def _called(
        self, body: Any, request: Request, what: str, more: dict[str, Any]
    ) -> Steps[wire.Result | LocalReply]:
        arguments = {"body": body, "path": request.path, **more}
        try:
            result = yield from self._result(arguments, for_services(request.headers))
        except _FailedError as problem:
            if problem.timed_out:
                message = f"Filter '{self.id}' did not answer in time: {problem}."
                return LocalReply(504, message, ResponseDetail.FILTER_TIMEOUT)
            return self._failed(str(problem))
        if result.is_error:
            message = f"Filter '{self.id}' refused the {what}: {result.text or 'it gave no reason'}"
            return LocalReply(400, message, ResponseDetail.FILTER_REFUSED)
        return result

    def _result(self, arguments: dict[str, Any], headers: Headers) -> Steps[wire.Result]:
        """Of the tool. Raises _FailedError."""
        params = {"name": self._tool, "arguments": arguments}
        for is_last in (False, True):
            if self._session is None and not self._is_stateless:
                yield from self._begin(headers)
            session = self._session
            if self._is_stateless:
                told = (("mcp-method", "tools/call"), ("mcp-name", self._tool))
                version = ("mcp-protocol-version", wire.STATELESS)
                body = wire.message("tools/call", wire.stateless(params), _ID)
                reply = yield from self._post(body, (*headers, version, *told))
            else:
                body = wire.message("tools/call", params, _ID)
                reply = yield from self._post(body, (*headers, *(session or ())))
            if reply.status in _NO_SESSION and not is_last:
                if self._session == session:  # nobody else has begun another meanwhile
                    self._session, self._is_stateless = None, False
                continue
            return self._read(reply)
        raise AssertionError

    def _read(self, reply: HttpReply) -> wire.Result:
        answer = wire.answer(reply, _ID)
        if answer is not None and answer.result is not None and 200 <= reply.status < 300:
            return answer.result
        if answer is not None and answer.error is not None:
            raise _FailedError(f"answered with error {answer.error.code}: {answer.error.message}")
        if not 200 <= reply.status < 300:
            raise _FailedError(f"answered {reply.status}")
        raise _FailedError("answered with what is no response of MCP")

    def _begin(self, headers: Headers) -> Steps[None]:
        """A session; or find out that the server has none. Raises _FailedError."""
        params = {
            "protocolVersion": wire.SESSIONS,
            "capabilities": {},
            "clientInfo": wire.CLIENT,
        }
        reply = yield from self._post(wire.message("initialize", params, _ID), headers)
        answer = wire.answer(reply, _ID)
        if answer is not None and answer.error is not None:
            if answer.error.code in _OTHER_GENERATION:
                self._is_stateless = True
                return
            raise _FailedError(f"begins no session: {answer.error.message}")
        if answer is None or answer.result is None or not 200 <= reply.status < 300:
            raise _FailedError(f"begins no session: it answered {reply.status}")
        session: Headers = (("mcp-protocol-version", answer.result.version or wire.SESSIONS),)
        name = wire.header(reply, "mcp-session-id")
        if name:
            session += (("mcp-session-id", name),)
        yield from self._post(wire.message("notifications/initialized", {}), (*headers, *session))
        self._session = session

    def _post(self, body: bytes, headers: Headers) -> Steps[HttpReply]:
        """Raises _FailedError."""
        kept = tuple(pair for pair in headers if pair[0].lower() != "accept")
        asked = Request("POST", self._path, (*kept, *wire.ACCEPT), body)
        reply = yield CallHttp(self._spec.cluster, asked, self._spec.timeout_s)
        if isinstance(reply, CallFailed):
            raise _FailedError(f"could not be asked: {reply.message}", reply.timed_out)
        assert isinstance(reply, HttpReply)
        return reply

    def _failed(self, problem: str) -> LocalReply:
        message = f"Filter '{self.id}' {problem}."
        return LocalReply(502, message, ResponseDetail.FILTER_FAILED)


def _made(result: wire.Result) -> bytes:
    """What a tool returns: `result` of its structured content, else its text; JSON but for texts,
    which are what they say.
    """
    found = result.structured
    if isinstance(found, dict):
        found = found.get("result", found)
    if found is None:
        return result.text.encode()
    return found.encode() if isinstance(found, str) else msgspec.json.encode(found)
