"""What is asked of an A2A agent: JSON-RPC and REST, both versions, to one Asked; and back.

Rule: who asks in one form is answered in it, errors as well.
"""

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qs, unquote

from dataplane.agents.a2a.card import JSON_RPC, REST
from dataplane.agents.a2a.listing import BadListingError, Listing, read_listing
from dataplane.agents.a2a.v03 import Form, new_configuration, new_message, old_event, old_task
from dataplane.agents.a2a.values import ENCODER, Json, decoded, mapping, objects, text


class Op(Enum):
    """What is asked for."""

    SEND = "send"
    STREAM = "stream"
    GET = "get"
    LIST = "list"
    CANCEL = "cancel"
    SUBSCRIBE = "subscribe"
    CARD = "card"
    PUSH = "push"
    """Anything about push notifications, which we do not send."""


class Code(Enum):
    """Errors: JSON-RPC's code, the HTTP status and gRPC's word of REST, the reason."""

    PARSE = (-32700, 400, "INVALID_ARGUMENT", "JSON_PARSE_ERROR")
    INVALID_REQUEST = (-32600, 400, "INVALID_ARGUMENT", "INVALID_REQUEST")
    NO_METHOD = (-32601, 404, "NOT_FOUND", "METHOD_NOT_FOUND")
    INVALID_PARAMS = (-32602, 400, "INVALID_ARGUMENT", "INVALID_PARAMS")
    INTERNAL = (-32603, 500, "INTERNAL", "INTERNAL_ERROR")
    NO_TASK = (-32001, 404, "NOT_FOUND", "TASK_NOT_FOUND")
    NOT_CANCELABLE = (-32002, 409, "FAILED_PRECONDITION", "TASK_NOT_CANCELABLE")
    NO_PUSH = (-32003, 400, "UNIMPLEMENTED", "PUSH_NOTIFICATION_NOT_SUPPORTED")
    UNSUPPORTED = (-32004, 400, "UNIMPLEMENTED", "UNSUPPORTED_OPERATION")
    BAD_ANSWER = (-32006, 502, "INTERNAL", "INVALID_AGENT_RESPONSE")
    VERSION = (-32009, 400, "UNIMPLEMENTED", "VERSION_NOT_SUPPORTED")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    op: Op
    form: Form
    binding: str
    id: str | int | float | None = None
    """JSON-RPC's."""
    message: Json | None = None
    """Of SEND and STREAM, as of 1.0."""
    configuration: Json | None = None
    metadata: Json | None = None
    task_id: str = ""
    history_length: int | None = None
    listing: Listing = Listing()
    """Of LIST."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that is refused."""

    code: Code
    message: str
    binding: str = JSON_RPC
    id: str | int | float | None = None
    number: int | None = None
    """In place of the code's own: an agent's."""


_METHODS = {
    "SendMessage": (Op.SEND, Form.V1),
    "SendStreamingMessage": (Op.STREAM, Form.V1),
    "GetTask": (Op.GET, Form.V1),
    "ListTasks": (Op.LIST, Form.V1),
    "CancelTask": (Op.CANCEL, Form.V1),
    "SubscribeToTask": (Op.SUBSCRIBE, Form.V1),
    "GetExtendedAgentCard": (Op.CARD, Form.V1),
    "CreateTaskPushNotificationConfig": (Op.PUSH, Form.V1),
    "GetTaskPushNotificationConfig": (Op.PUSH, Form.V1),
    "ListTaskPushNotificationConfigs": (Op.PUSH, Form.V1),
    "DeleteTaskPushNotificationConfig": (Op.PUSH, Form.V1),
    "message/send": (Op.SEND, Form.KINDS),
    "message/stream": (Op.STREAM, Form.KINDS),
    "tasks/get": (Op.GET, Form.KINDS),
    "tasks/cancel": (Op.CANCEL, Form.KINDS),
    "tasks/resubscribe": (Op.SUBSCRIBE, Form.KINDS),
    "agent/getAuthenticatedExtendedCard": (Op.CARD, Form.KINDS),
    "tasks/pushNotificationConfig/set": (Op.PUSH, Form.KINDS),
    "tasks/pushNotificationConfig/get": (Op.PUSH, Form.KINDS),
    "tasks/pushNotificationConfig/list": (Op.PUSH, Form.KINDS),
    "tasks/pushNotificationConfig/delete": (Op.PUSH, Form.KINDS),
}
_NAMES = {known: name for name, known in reversed(_METHODS.items())}
_TASK = re.compile(r"/tasks/([^/:]+)(?::(cancel|subscribe))?")
_PUSH = re.compile(r"/tasks/[^/:]+/pushNotificationConfigs(?:/[^/]+)?")
MAX_ID = 200
"""Characters of an id that a client chooses."""


def read_rpc(body: bytes, version: str) -> Asked | Fault:
    """A JSON-RPC request.

    :param version: the header `A2A-Version`; empty: none.
    """
    value = decoded(body)
    if value is None:
        return Fault(Code.PARSE, "The request is not JSON.")
    if not isinstance(value, dict):
        return Fault(Code.INVALID_REQUEST, "The request is not one JSON-RPC object.")
    told = value.get("id")
    at = told if isinstance(told, str | int | float) and not isinstance(told, bool) else None
    method = value.get("method")
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str):
        message = 'A request has "jsonrpc": "2.0" and a method.'
        return Fault(Code.INVALID_REQUEST, message, id=at)
    known = _METHODS.get(method)
    if known is None:
        return Fault(Code.NO_METHOD, f"There is no method {method[:100]!r}.", id=at)
    op, form = known
    params = value.get("params", {})
    if not isinstance(params, dict):
        return Fault(Code.INVALID_PARAMS, "`params` is not an object.", id=at)
    return _asked(op, form, JSON_RPC, at, params, version)


def read_rest(
    method: str, path: str, query: str, body: bytes, version: str
) -> Asked | Fault | None:
    """A REST request below our address; None when there is nothing at this path.

    :param path: what follows our address: "/message:send", of 0.3 "/v1/message:send".
    """
    form = Form.V1
    if path.startswith("/v1/"):
        form, path = Form.PROTO, path.removeprefix("/v1")
    params: Json = {}
    task = _TASK.fullmatch(path)
    if (method, path) in (("POST", "/message:send"), ("POST", "/message:stream")):
        op = Op.SEND if path.endswith("send") else Op.STREAM
        value = decoded(body)
        if not isinstance(value, dict):
            return Fault(Code.PARSE, "The request is not a JSON object.", REST)
        params = value
    elif (method, path) == ("GET", "/tasks"):
        op = Op.LIST
    elif (method, path) in (("GET", "/card"), ("GET", "/extendedAgentCard")):
        op = Op.CARD
    elif _PUSH.fullmatch(path):
        op = Op.PUSH
    elif task is not None and (method, task[2]) in _TASK_OPS:
        op, params = _TASK_OPS[method, task[2]], {"id": unquote(task[1])}
    else:
        return None
    for name, values in parse_qs(query).items():
        params.setdefault(name, int(values[0]) if values[0].isdigit() else values[0])
    return _asked(op, form, REST, None, params, version)


_TASK_OPS = {
    ("GET", None): Op.GET,
    ("POST", "cancel"): Op.CANCEL,
    ("POST", "subscribe"): Op.SUBSCRIBE,
    ("GET", "subscribe"): Op.SUBSCRIBE,
}


def _asked(
    op: Op, form: Form, binding: str, at: str | int | float | None, params: Json, version: str
) -> Asked | Fault:
    if version and not version.startswith(("1.", "0.3")) and version != "1":
        message = f"Version {version[:20]!r} of A2A is not spoken here: 1.0 and 0.3 are."
        return Fault(Code.VERSION, message, binding, at)
    if op in (Op.SEND, Op.STREAM):
        return _sent(op, form, binding, at, params)
    task_id = text(params.get("id")) or text(params.get("name")).removeprefix("tasks/")
    if op in (Op.GET, Op.CANCEL, Op.SUBSCRIBE) and not 0 < len(task_id) <= MAX_ID:
        return Fault(Code.INVALID_PARAMS, "`id` is not the id of a task.", binding, at)
    try:
        listing = read_listing(params) if op is Op.LIST else Listing()
    except BadListingError as problem:
        return Fault(Code.INVALID_PARAMS, str(problem), binding, at)
    length = params.get("historyLength")
    return Asked(
        op,
        form,
        binding,
        at,
        task_id=task_id,
        history_length=length if isinstance(length, int) and length >= 0 else None,
        listing=listing,
    )


def _sent(
    op: Op, form: Form, binding: str, at: str | int | float | None, params: Json
) -> Asked | Fault:
    told = params.get("message", params.get("request"))
    if not isinstance(told, dict):
        return Fault(Code.INVALID_PARAMS, "`message` is missing.", binding, at)
    configuration = mapping(params.get("configuration"))
    if form is Form.PROTO and ("kind" in told or "parts" in told):
        form = Form.KINDS  # what the JavaScript SDK writes
    if form is not Form.V1:
        told, configuration = new_message(told), new_configuration(configuration)
    problem = _problem(told)
    if problem:
        return Fault(Code.INVALID_PARAMS, problem, binding, at)
    if configuration.get("taskPushNotificationConfig"):
        return Fault(Code.NO_PUSH, "Push notifications are not sent from here.", binding, at)
    length = configuration.get("historyLength")
    metadata = mapping(params.get("metadata")) or None
    return Asked(
        op,
        form,
        binding,
        at,
        told,
        configuration,
        metadata,
        history_length=length if isinstance(length, int) and length >= 0 else None,
    )


def _problem(message: Json) -> str:
    """What is wrong with a message of 1.0."""
    if not text(message.get("messageId")):
        return "`message.messageId` is missing."
    if message.get("role") != "ROLE_USER":
        return "`message.role` is not the user's."
    parts = message.get("parts")
    if not isinstance(parts, list) or not parts:
        return "`message.parts` is empty."
    for at, part in enumerate(parts):
        if not isinstance(part, dict) or not _is_part(part):
            return f"`message.parts[{at}]` is neither text, file nor data."
    for name in ("messageId", "contextId", "taskId"):
        if len(text(message.get(name))) > MAX_ID:
            return f"`message.{name}` is longer than {MAX_ID} characters."
    return ""


def _is_part(part: Json) -> bool:
    return any(isinstance(part.get(name), str) for name in ("text", "url", "raw")) or "data" in part


def result(asked: Asked, value: Json) -> bytes:
    """A good answer in the form it is wanted in: an event, a task of GET and CANCEL, or tasks."""
    is_task = asked.op in (Op.GET, Op.CANCEL)
    made = old_task(value, asked.form) if is_task else value
    if asked.op is Op.LIST:
        made = value | {"tasks": [old_task(one, asked.form) for one in objects(value["tasks"])]}
    if asked.op in (Op.SEND, Op.STREAM, Op.SUBSCRIBE):
        made = old_event(value, asked.form)
    if asked.binding == REST:
        return ENCODER.encode(made)
    return ENCODER.encode({"jsonrpc": "2.0", "id": asked.id, "result": made})


def fault_body(fault: Fault) -> bytes:
    """The body of a refusal."""
    code, status, word, reason = fault.code.value
    if fault.binding == REST:
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "a2a-protocol.org",
            "metadata": {},
        }
        told = {"code": status, "status": word, "message": fault.message, "details": [info]}
        return ENCODER.encode({"error": told})
    error = {"code": fault.number or code, "message": fault.message}
    return ENCODER.encode({"jsonrpc": "2.0", "id": fault.id, "error": error})


def method_of(op: Op, form: Form) -> str:
    """What JSON-RPC calls an operation."""
    return _NAMES[op, Form.V1 if form is Form.V1 else Form.KINDS]
