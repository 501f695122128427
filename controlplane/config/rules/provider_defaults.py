"""Where well-known model providers are, for those that speak OpenAI chat completions."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProviderDefault:
    """What is known of a provider by its name."""

    prefix: str
    """Comes before `/chat/completions`."""
    url: str = ""
    """Scheme and host; empty when every customer has another one."""


KNOWN: Mapping[str, ProviderDefault] = {
    "openai": ProviderDefault("/v1", "https://api.openai.com"),
    "anthropic": ProviderDefault("/v1", "https://api.anthropic.com"),
    "deepseek": ProviderDefault("/v1", "https://api.deepseek.com"),
    "groq": ProviderDefault("/openai/v1", "https://api.groq.com"),
    "mistral": ProviderDefault("/v1", "https://api.mistral.ai"),
    "gemini": ProviderDefault("/v1beta/openai", "https://generativelanguage.googleapis.com"),
    "google": ProviderDefault("/v1beta/openai", "https://generativelanguage.googleapis.com"),
    "xai": ProviderDefault("/v1", "https://api.x.ai"),
    "together_ai": ProviderDefault("/v1", "https://api.together.xyz"),
    "together": ProviderDefault("/v1", "https://api.together.xyz"),
    "moonshotai": ProviderDefault("/v1", "https://api.moonshot.ai"),
    "zhipu": ProviderDefault("/api/paas/v4", "https://open.bigmodel.cn"),
    "xiaomi": ProviderDefault("/v1", "https://api.xiaomimimo.com"),
    "digitalocean": ProviderDefault("/v1", "https://inference.do-ai.run"),
    "openrouter": ProviderDefault("/api/v1", "https://openrouter.ai"),
    "qwen": ProviderDefault("/compatible-mode/v1"),
    "azure_openai": ProviderDefault("/openai/v1"),
    "amazon_bedrock": ProviderDefault("/openai/v1"),
}

OTHER = ProviderDefault("/v1")
"""Any other name: a server of one's own, at its base_url."""

NOT_CHAT: Mapping[str, str] = {
    "chatgpt": "it speaks the Responses API only; use openai/... with an API key",
}
"""Providers that do not speak chat completions at all, and what to do instead."""


def of(provider: str) -> ProviderDefault:
    """What is known of a provider's name."""
    return KNOWN.get(provider, OTHER)
