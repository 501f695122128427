"""Plano's scenario of limits: `ratelimits` are read and kept."""

from pathlib import Path
from typing import Any

from tests.support.agents import replies
from tests.support.plano import gateway, provider, scenario

HELLO: list[Any] = [{"role": "user", "content": "Hello " * 20}]
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 60, "completion_tokens": 5000, "total_tokens": 5060},
}
RULES = [
    {
        "model": "gpt-4o",
        "selector": {"key": "X-User", "value": "anna"},
        "limit": {"tokens": 150, "unit": "hour"},
    }
]


@scenario(
    20,
    "better: one bucket for all workers, nobody passes it by leaving out a header, and the 429 is "
    "the API's own with Retry-After",
)
async def test_prompts_of_a_caller_are_limited_by_a_header(tmp_path: Path) -> None:
    async with provider(replies(200, ANSWER)) as fake:
        models = [{"model": "openai/gpt-4o", "base_url": f"{fake.url}/v1"}]
        async with gateway(tmp_path, models, ratelimits=RULES) as made:
            ask = {"model": "gpt-4o", "messages": HELLO}
            anna = {"x_user": "anna"}
            planos = {**anna, "x_arch_ratelimit_selector": "X-User"}
            # 60 tokens of prompt each; those of the answer do not count
            statuses = [(await made.post(ask, **planos)).status for _ in range(3)]
            assert statuses == [200, 200, 429]
            refused = await made.post(ask, **anna)
            assert refused.status == 429
            assert refused.body["error"]["code"] == "rate_limit_exceeded"
            assert int(refused.headers["retry-after"]) > 60
            assert (await made.post(ask, x_user="bert")).status == 200
            assert (await made.post(ask)).status == 200
            assert len(fake.received) == 4
