"""Those who serve models of many vendors, and servers that run on one's own machine.

Of these, `messages` is in `apis` where the provider hands it to models whose own protocol it is. A
server of one's own is asked for chat, which every version of it has: its other APIs are made of
chat too, and came later (Ollama: Responses 0.13.3, without state; LM Studio: Responses 0.3.29,
messages 0.4.1; vLLM: both by 0.22).

What the entries stand on, read on 2026-11-22: reference/plano.md 5.5 and 5.14;
vercel.com/docs/ai-gateway; openrouter.ai/docs; docs.digitalocean.com and gradient-python #96
(Responses are not stored); edenai.co/docs/v3 (OpenAI's SDK is to use /v3; /v3/llm is the older
address); docs.ollama.com; docs.vllm.ai (v0.32); lmstudio.ai/docs.
"""

from collections.abc import Mapping
from dataclasses import replace

from controlplane.config.providers.entry import (
    CHAT,
    COUNT_TOKENS,
    EMBEDDINGS,
    MESSAGES,
    OPENAI_LIKE,
    RESPONSES,
    Auth,
    Dialect,
    Prefill,
    Provider,
)

BEARER_MESSAGES = replace(MESSAGES, auth=Auth.BEARER)
TOGETHER = Provider("https://api.together.xyz", dialect=Dialect(top_k=True))
DIGITALOCEAN = Provider(
    "https://inference.do-ai.run",
    apis=(CHAT, EMBEDDINGS),
    also=(RESPONSES, BEARER_MESSAGES),
    dialect=Dialect(cache_control=True),
)

HOSTS: Mapping[str, Provider] = {
    "groq": Provider("https://api.groq.com", "/openai/v1", (CHAT,), also=(RESPONSES,)),
    "together_ai": TOGETHER,
    "together": TOGETHER,
    "fireworks": Provider(
        "https://api.fireworks.ai",
        "/inference/v1",
        also=(RESPONSES, BEARER_MESSAGES),
        dialect=Dialect(top_k=True),
    ),
    "openrouter": Provider(
        "https://openrouter.ai",
        "/api/v1",
        (*OPENAI_LIKE, BEARER_MESSAGES, RESPONSES),
        dialect=Dialect(cache_control=True, top_k=True),
    ),
    "vercel": Provider(
        "https://ai-gateway.vercel.sh",
        apis=(CHAT, EMBEDDINGS, BEARER_MESSAGES, RESPONSES),
        dialect=Dialect(cache_control=True),
    ),
    "digitalocean": DIGITALOCEAN,
    "do": DIGITALOCEAN,
    "do_ai": DIGITALOCEAN,
    "edenai": Provider(
        "https://api.edenai.run", "/v3", (CHAT, EMBEDDINGS), dialect=Dialect(cache_control=True)
    ),
    "ollama": Provider("http://127.0.0.1:11434", also=(RESPONSES, MESSAGES)),
    "vllm": Provider(
        "http://127.0.0.1:8000",
        also=(RESPONSES, MESSAGES, COUNT_TOKENS),
        dialect=Dialect(top_k=True, prefill_form=Prefill.TEMPLATE),
    ),
    "lmstudio": Provider(
        "http://127.0.0.1:1234",
        also=(RESPONSES, MESSAGES),
        dialect=Dialect(keeps_responses=True, top_k=True),
    ),
    # Plano's own name for a server that speaks chat.
    "plano": Provider(apis=(CHAT,)),
}
