"""Why an attempt is not the answer: the one word that retries, breakers and logs go by."""

from enum import Enum


class Fault(Enum):
    """Why an attempt is not the answer."""

    __hash__ = object.__hash__

    NONE = "none"
    CONNECTION = "connection"
    """No connection, or it broke."""
    SERVER = "server"
    """The provider failed (408, 409, 5xx) or was overloaded."""
    LIMITED = "limited"
    """429: this key, for now."""
    CREDENTIAL = "credential"
    """401, 402, 403, no credit: this key, for good."""
    SILENT = "silent"
    """Nothing came in time."""
    SLOW = "slow"
    """It came, but slower than the policy allows."""
    MALFORMED = "malformed"
    """Bytes that are no answer of the protocol."""
    INVALID = "invalid"
    """The request is wrong (400, 422), wherever it goes."""
    UNFIT = "unfit"
    """The request is wrong for this model: too long for it (also 413), unknown there (404)."""
    FILTERED = "filtered"
    """Refused for what it says. Passed on, never routed around."""
    GONE = "gone"
    """The client left."""


_BY_STATUS = {
    401: Fault.CREDENTIAL,
    402: Fault.CREDENTIAL,
    403: Fault.CREDENTIAL,
    404: Fault.UNFIT,
    408: Fault.SERVER,
    409: Fault.SERVER,  # a lock that timed out: the SDKs of OpenAI and Anthropic try again
    413: Fault.UNFIT,
    424: Fault.SERVER,  # Bedrock's ModelErrorException
    429: Fault.LIMITED,
}


def fault_of_status(status: int) -> Fault:
    """What a status says by itself; an error's body may know more (llm/error_faults.py)."""
    if status < 400:
        return Fault.NONE
    return _BY_STATUS.get(status) or (Fault.SERVER if status >= 500 else Fault.INVALID)
