import pytest

from dataplane.runtime.headers import for_client, for_services


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Cookie",
        "X-API-Key",
        "api-key",
        "x-goog-api-key",
        "X-Amz-Security-Token",
        "proxy-authorization",
        "Connection",
        "Content-Length",
        "Host",
        "Transfer-Encoding",
        "x-outrider-agents",
        "traceparent",
    ],
)
def test_stays_with_us(name: str) -> None:
    assert for_services(((name, "1"), ("Accept", "*/*"))) == (("Accept", "*/*"),)


def test_header_named_by_connection_stays_with_us() -> None:
    headers = (("Connection", "close, X-Hop"), ("x-hop", "1"), ("tracestate", "a=b"))
    assert for_services(headers) == (("tracestate", "a=b"),)
    assert for_client(headers) == (("tracestate", "a=b"),)


def test_client_sees_headers_of_the_service_but_not_its_framing() -> None:
    headers = (
        ("Content-Type", "text/event-stream"),
        ("Content-Length", "3"),
        ("Transfer-Encoding", "chunked"),
        ("X-Outrider-Agents", "forged"),
        ("Retry-After", "2"),
    )
    assert for_client(headers) == (("Content-Type", "text/event-stream"), ("Retry-After", "2"))
