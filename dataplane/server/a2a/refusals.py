"""Errors of A2A as answers."""

from dataplane.agents.a2a.card import REST
from dataplane.agents.a2a.rpc import Asked, Code, Fault, fault_body
from dataplane.runtime.messages import LocalReply, ResponseDetail

_DETAILS = {
    Code.PARSE: ResponseDetail.INVALID_JSON,
    Code.NO_METHOD: ResponseDetail.ROUTE_NOT_FOUND,
    Code.NO_TASK: ResponseDetail.TASK_NOT_FOUND,
}


def refused(asked: Asked, code: Code, said: str) -> Fault:
    """An error in answer to a request."""
    return Fault(code, said, asked.binding, asked.id)


def told_fault(fault: Fault) -> LocalReply:
    """REST has a status for each error; in JSON-RPC the HTTP request itself went well."""
    status = fault.code.value[1] if fault.binding == REST else 200
    detail = _DETAILS.get(fault.code, ResponseDetail.INVALID_BODY)
    headers = (("content-type", "application/json"),)
    return LocalReply(status, "", detail, headers, fault_body(fault))
