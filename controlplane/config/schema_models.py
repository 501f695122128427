"""What an operator writes about models: who serves them, and the names clients may use.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated

from pydantic import Field, Strict

from controlplane.config.fields import Block, ModelName, SecretText, Url, Urls


class ModelProvider(Block):
    """Who serves a model, with address and credentials."""

    model: ModelName
    """`provider/model`: the provider's name, then the model's as the provider knows it."""
    name: ModelName | None = None
    """What clients ask for. Unique; default is the whole of `model`."""
    base_url: Url | None = None
    """Where the provider is. Its path, when it has one, comes before `/chat/completions`."""
    endpoints: Urls | None = None
    """In place of `base_url`: several equal addresses, URLs that differ in host and port only."""
    access_key: SecretText | None = None
    """The key sent as bearer token: `$VAR`, `${VAR}` or `file:/path`, read where it is used."""
    passthrough_auth: bool = False
    """Send the client's own credential; `access_key` is not used then."""
    headers: dict[str, SecretText] = Field(default_factory=dict, max_length=100)
    """Headers added to every request; values may hold `$VAR` or be `file:/path`."""
    default: bool = False
    """Answers requests that name no model. At most one."""


class ModelAlias(Block):
    """A name clients may ask for instead of a model."""

    target: ModelName | None = None
    """The model it stands for: a provider's `name`, its `provider/model` or the bare model."""
    targets: Annotated[tuple[ModelName, ...], Strict(False), Field(min_length=1)] | None = None
    """In place of `target`: several models, in the order they are tried."""
