"""Those who make models: OpenAI, Anthropic, Google and others.

Only APIs that a vendor made for the protocol are in `apis`. A compatibility layer (Anthropic's and
Google's chat, DeepSeek's messages) leaves out what it does not know without a word, where our
translation refuses or names it, so it is in `also`: an operator can ask for it.

What the entries stand on, read on 2026-11-22: reference/plano.md 5.5 and 5.6; docs.x.ai (Responses
keep state for 30 days); mistral: 422 for `stream_options` and `max_completion_tokens` (its issue
trackers, 2025-03 to 2025-12); deepseek and moonshot: 400 when `reasoning_content` of a tool turn is
missing (opencode #24722, LibreChat's guide); deepseek: json_object only, Responses without state;
docs.cohere.com/docs/compatibility-api; docs.perplexity.ai.

Read on 2026-11-29, of models that go on from an assistant message: platform.claude.com, "What's new
in Claude 4.6" (a 400 since) and "Prefill Claude's response"; docs.mistral.ai (`prefix`; without it
400); api-docs.deepseek.com, "Chat Prefix Completion" (only at /beta: an operator must say so).
"""

from collections.abc import Mapping
from dataclasses import replace

from controlplane.config.providers.entry import (
    CHAT,
    COUNT_TOKENS,
    EMBEDDINGS,
    GEMINI_COUNT_TOKENS,
    GENERATE_CONTENT,
    MESSAGES,
    OPENAI_LIKE,
    RESPONSES,
    Dialect,
    Form,
    Prefill,
    Provider,
)

OPENAI_DIALECT = Dialect(
    max_completion_tokens=True, developer_role=True, keeps_responses=True, openai_fields=True
)
GOOGLE_CHAT = replace(CHAT, path="{prefix}/openai/chat/completions")
GOOGLE_EMBEDDINGS = replace(EMBEDDINGS, path="{prefix}/openai/embeddings")
ANTHROPIC_STYLE = replace(MESSAGES, path="/anthropic/v1/messages")

GEMINI = Provider(
    "https://generativelanguage.googleapis.com",
    "/v1beta",
    (GENERATE_CONTENT, GEMINI_COUNT_TOKENS, GOOGLE_EMBEDDINGS),
    also=(GOOGLE_CHAT,),
    # Plano's configs give the address of the compatibility layer.
    forms=(Form("/openai", (CHAT, EMBEDDINGS)),),
)

VENDORS: Mapping[str, Provider] = {
    "openai": Provider(
        "https://api.openai.com",
        apis=(*OPENAI_LIKE, RESPONSES),
        dialect=OPENAI_DIALECT,
        # Plano's users call any server so that speaks chat: LiteLLM, Ollama, one of their own.
        away=Provider(),
    ),
    "anthropic": Provider("https://api.anthropic.com", apis=(MESSAGES, COUNT_TOKENS), also=(CHAT,)),
    "gemini": GEMINI,
    "google": GEMINI,
    "mistral": Provider(
        "https://api.mistral.ai",
        apis=(CHAT, EMBEDDINGS),
        dialect=Dialect(stream_usage=False, prefill=Prefill.REPEATED),
    ),
    "deepseek": Provider(
        "https://api.deepseek.com",
        apis=(CHAT,),
        also=(RESPONSES, ANTHROPIC_STYLE),
        dialect=Dialect(json_schema=False, reasoning_content=True, prefill_form=Prefill.PREFIX),
    ),
    "xai": Provider(
        "https://api.x.ai",
        apis=(*OPENAI_LIKE, RESPONSES),
        also=(MESSAGES,),
        dialect=Dialect(keeps_responses=True),
    ),
    "cohere": Provider("https://api.cohere.ai", "/compatibility/v1", (CHAT, EMBEDDINGS)),
    "moonshotai": Provider(
        "https://api.moonshot.ai",
        apis=(CHAT,),
        also=(ANTHROPIC_STYLE,),
        dialect=Dialect(reasoning_content=True),
    ),
    "zhipu": Provider(
        "https://open.bigmodel.cn",
        "/api/paas/v4",
        (CHAT, EMBEDDINGS),
        also=(replace(MESSAGES, path="/api/anthropic/v1/messages"),),
        dialect=Dialect(json_schema=False),
    ),
    # Its host differs by country.
    "qwen": Provider(prefix="/compatible-mode/v1", dialect=Dialect(top_k=True)),
    "xiaomi": Provider("https://api.xiaomimimo.com", apis=(CHAT,), also=(ANTHROPIC_STYLE,)),
    "perplexity": Provider("https://api.perplexity.ai", "", (CHAT,)),
    # The subscription that the Codex CLI uses: Responses only, streamed only, nothing is stored.
    "chatgpt": Provider(
        "https://chatgpt.com",
        "/backend-api/codex",
        (RESPONSES,),
        dialect=Dialect(developer_role=True),
        headers=(
            ("chatgpt-account-id", "$CHATGPT_ACCOUNT_ID"),
            ("originator", "codex_cli_rs"),
            ("user-agent", "codex_cli_rs/0.0.0 (Unknown 0; unknown) unknown"),
        ),
        passthrough=True,
    ),
}
