"""Against AWS's published test suite and against botocore."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.runtime.config import Aws
from dataplane.runtime.secret import Secret
from dataplane.upstream.aws import sign

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
SUITE = Aws("us-east-1", Secret("AKIDEXAMPLE"), Secret(SECRET), service="service")
BEDROCK = Aws("eu-west-3", Secret("AKID"), Secret("s/e+cret"), Secret("token=="))
HOST = "bedrock-runtime.eu-west-3.amazonaws.com"


def signature(added: tuple[tuple[str, str], ...]) -> str:
    return dict(added)["authorization"].rpartition("Signature=")[2]


# From "aws-sig-v4-test-suite", as AWS published it.
@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "expected"),
    [
        pytest.param(
            "GET",
            "/",
            "",
            (),
            b"",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            id="get-vanilla",
        ),
        pytest.param(
            "POST",
            "/",
            "",
            (),
            b"",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            id="post-vanilla",
        ),
        pytest.param(
            "GET",
            "/",
            "Param2=value2&Param1=value1",
            (),
            b"",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            id="get-vanilla-query-order-key-case",
        ),
        pytest.param(
            "GET",
            "/",
            "",
            (("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')),
            b"",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            id="get-header-value-trim",
        ),
        pytest.param(
            "POST",
            "/",
            "",
            (("Content-Type", "application/x-www-form-urlencoded"),),
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            id="post-x-www-form-urlencoded",
        ),
        pytest.param(
            "GET",
            "/example/..",
            "",
            (),
            b"",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            id="get-relative",
        ),
    ],
)
def test_signature_is_that_of_the_published_suite(
    method: str,
    path: str,
    query: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    expected: str,
) -> None:
    added = sign(method, "example.amazonaws.com", path, query, headers, body, SUITE, NOW)
    assert signature(added) == expected


def botocores(path: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
    request = AWSRequest("POST", f"https://{HOST}{path}", headers=headers, data=body)
    request.context["timestamp"] = datetime.fromtimestamp(NOW, UTC).strftime("%Y%m%dT%H%M%SZ")
    auth = SigV4Auth(Credentials("AKID", "s/e+cret", "token=="), "bedrock", "eu-west-3")
    # add_auth takes the time from the clock: its own steps are taken here
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    text = auth.string_to_sign(request, canonical)
    auth._inject_signature_to_request(request, auth.signature(text, request))
    return {name.lower(): value for name, value in request.headers.items()}


@settings(max_examples=30)
@given(
    model=st.text(
        st.characters(codec="utf-8", exclude_characters=".", exclude_categories=["Cs"]), min_size=1
    ),
    body=st.binary(max_size=40),
    value=st.text("ab c,", max_size=9),
)
def test_signature_is_botocores(model: str, body: bytes, value: str) -> None:
    path = f"/model/{quote(model, safe='')}/converse-stream"
    headers = {"content-type": "application/json", "x-note": value, "user-agent": "x"}
    added = sign("POST", HOST, path, "", tuple(headers.items()), body, BEDROCK, NOW)
    theirs = botocores(path, headers, body)
    assert dict(added) == {name: theirs[name] for name, _ in added}


def test_session_token_is_sent_and_signed() -> None:
    added = dict(sign("POST", HOST, "/model/a/converse", "", (), b"{}", BEDROCK, NOW))
    assert added["x-amz-security-token"] == "token=="
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in added["authorization"]


def test_secret_does_not_show() -> None:
    added = sign("POST", HOST, "/model/a/converse", "", (), b"{}", BEDROCK, NOW)
    assert "s/e+cret" not in repr((added, BEDROCK))


def test_a_body_of_another_day_has_another_key() -> None:
    first = sign("POST", HOST, "/", "", (), b"{}", BEDROCK, NOW)
    assert signature(sign("POST", HOST, "/", "", (), b"{}", BEDROCK, NOW + 86_400)) != signature(
        first
    )
