"""The event that tells a client within its stream that there will be no end.

The rule: it is the protocol's own, and nothing that a client takes for an end comes after it.
"""

import re

from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.responses.errors import response_error
from dataplane.runtime.protocols import Protocol

_NUMBER = re.compile(rb'"sequence_number":\s*(\d+)')


def error_event(protocol: Protocol, failure: Failure, tail: bytes = b"") -> bytes:
    """The event, of a protocol that streams server-sent events.

    :param tail: the last events that the client has; Responses numbers its events.
    """
    body = CODECS[protocol].write_error(failure)
    match protocol:
        case Protocol.MESSAGES:
            return b"event: error\ndata: %b\n\n" % body
        case Protocol.RESPONSES:
            numbers = _NUMBER.findall(tail)
            # `error` says what `response.failed` says, and need not repeat the whole response.
            return (
                b'event: error\ndata: {"type":"error","sequence_number":%d,%b,"param":null}\n\n'
                % (int(numbers[-1]) + 1 if numbers else 0, response_error(failure)[1:-1])
            )
        case _:
            return b"data: %b\n\n" % body
