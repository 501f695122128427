"""A provider's error, by its status and its words -> the class that says what may follow.

The rule: words overrule a status only where they are known to mean one thing; what is not known is
what its status says. Statuses are not enough: too long a prompt, a filtered one and an empty
account are all 400 or 429 with somebody.
"""

import re
from typing import Any

import msgspec

from dataplane.llm.hub.answer import Failure, failure_kind
from dataplane.llm.translate.chat.errors import failure_of
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.converse.errors import STATUSES
from dataplane.runtime.fault import Fault, fault_of_status
from dataplane.runtime.protocols import Protocol

_BY_CODE = {
    **dict.fromkeys(
        (
            "context_length_exceeded",
            "request_too_large",
            "string_above_max_length",
            "model_not_found",
            "model_not_available",
            "DeploymentNotFound",
        ),
        Fault.UNFIT,
    ),
    **dict.fromkeys(
        (
            "content_filter",
            "content_policy_violation",
            "ResponsibleAIPolicyViolation",
            "moderation_blocked",
            "image_content_policy_violation",
            "bio_policy",
            "invalid_prompt",
        ),
        Fault.FILTERED,
    ),
    **dict.fromkeys(
        (
            "insufficient_quota",
            "billing_not_active",
            "billing_hard_limit_reached",
            "billing_error",
            "account_deactivated",
            "invalid_api_key",
            "API_KEY_INVALID",
            "API_KEY_EXPIRED",
        ),
        Fault.CREDENTIAL,
    ),
}
"""`code` of OpenAI and Azure, `type` of Anthropic, `reason` of Google."""

# OpenAI and vLLM; Anthropic; Google; Bedrock; Mistral; xAI; Groq. All lower case.
_TOO_LONG = re.compile(
    r"maximum context length|context[ _](?:length|window|limit)|prompt is too long"
    r"|(?:input|prompt) is too long|too many (?:input )?tokens|maximum prompt length"
    r"|input token count.{0,40}exceeds|too large for model|exceeds? (?:the )?(?:model )?token limit"
    r"|reduce the length of the (?:messages|prompt|input)|exceed context limit"
)
_FILTERED = re.compile(
    r"content (?:filter|management policy|policy)|safety system|usage polic|blocked by.{0,20}safety"
)
_UNPAID = re.compile(r"credit balance is too low|insufficient (?:balance|credit|funds)")
_WORDED = frozenset((Fault.INVALID, Fault.UNFIT, Fault.LIMITED))
"""What words may overrule: a 5xx or a dead key is that, whatever it says."""
_EXCEPTION = re.compile(rb":exception-type..\x00?.?([A-Za-z]+Exception)", re.DOTALL)
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def fault_of_error(protocol: Protocol, status: int, body: bytes) -> Fault:
    """The class of an answer whose status is 400 or more."""
    return fault_of(CODECS[protocol].read_error(status, body))


def fault_in_band(protocol: Protocol, event: bytes) -> Fault:
    """The class of an error within a stream of status 200 (see `failure_in_band`)."""
    return fault_of(failure_in_band(protocol, event))


def failure_in_band(protocol: Protocol, event: bytes) -> Failure:
    """An error within a stream of status 200, with the status it would have had before it.

    :param event: the data of its event; for Converse, the bytes of its frames.
    """
    if protocol is Protocol.CONVERSE:
        named = _EXCEPTION.search(event)
        return Failure(STATUSES.get(named[1].decode(), 500) if named else 500, "")
    try:
        told = _VALUE.decode(event)
    except (ValueError, RecursionError):
        return Failure(502, "")
    if isinstance(told, dict) and isinstance(told.get("response"), dict):
        told = told["response"]  # response.failed
    if protocol in (Protocol.CHAT, Protocol.RESPONSES):
        return failure_of(told)
    failure = CODECS[protocol].read_error(0, _ENCODER.encode(told))
    if not failure.status:
        failure.status = _number(told) or _STATUSES.get(failure_kind(failure), 500)
    return failure


_ENCODER = msgspec.json.Encoder()
_STATUSES = {
    "invalid_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "overloaded": 529,
    "timeout": 504,
}
"""Of a failure that tells its kind only; the others are the provider's own (500)."""


def fault_of(failure: Failure) -> Fault:
    """The class of an error that was read already; its status counts."""
    by_code = _BY_CODE.get(failure.code)
    if by_code is not None:
        return by_code
    fault = fault_of_status(failure.status)
    if fault is Fault.INVALID and failure.type == "authentication":
        return Fault.CREDENTIAL  # Google tells bad keys with 400
    if fault not in _WORDED:
        return fault
    message = failure.message.lower()
    if fault is not Fault.LIMITED:
        if _TOO_LONG.search(message):
            return Fault.UNFIT
        if fault is Fault.INVALID and _FILTERED.search(message):
            return Fault.FILTERED
    return Fault.CREDENTIAL if _UNPAID.search(message) else fault


def _number(told: object) -> int:
    """A status that an event tells as its code."""
    if not isinstance(told, dict):
        return 0
    error = told.get("error")
    code = (error if isinstance(error, dict) else told).get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 0
