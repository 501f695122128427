"""Plano's `prompt_guards`: another way to write a filter of type screening for every listener."""

from controlplane.config.fields import Block, Text


class OnException(Block):
    """What happens when a guard has found something."""

    message: Text
    """What the client is told."""


class Jailbreak(Block):
    """Attempts to make the model forget whose instructions it follows."""

    on_exception: OnException
    """What happens then: 400."""


class InputGuards(Block):
    """What screens requests."""

    jailbreak: Jailbreak
    """Screens what users say, on every listener of models, agents and prompts."""


class PromptGuards(Block):
    """Guards of every listener."""

    input_guards: InputGuards
    """Guards of requests, before anybody else sees them."""
