import pytest

from dataplane.llm.translate.converse.families import family

PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2"


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"),
        ("eu.anthropic.claude-opus-4-8", "anthropic"),
        ("us.amazon.nova-pro-v1:0", "nova"),
        ("openai.gpt-oss-120b-1:0", "openai"),
        ("cohere.command-r-v1:0", "cohere"),
        ("mistral.mistral-large-2402-v1:0", "mistral"),
        ("meta.llama3-1-70b-instruct-v1:0", "other"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "nova"),
        (PROFILE, "anthropic"),
    ],
)
def test_a_name_tells_the_vendor(model: str, vendor: str) -> None:
    assert family(model) == vendor
