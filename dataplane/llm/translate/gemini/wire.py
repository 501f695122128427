"""What a provider answers, as far as it is read; whole or as a chunk of a stream."""

import msgspec

from dataplane.llm.hub.answer import Finish, TokenLogprob, Usage

ABSENT = msgspec.Raw(b"")
"""A field that is not there."""

FINISHES = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "BLOCKLIST": Finish.CONTENT_FILTER,
    "PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "SPII": Finish.CONTENT_FILTER,
    "LANGUAGE": Finish.CONTENT_FILTER,
    "IMAGE_SAFETY": Finish.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "IMAGE_RECITATION": Finish.CONTENT_FILTER,
    "MODEL_ARMOR": Finish.CONTENT_FILTER,
    "CONTINUATION": Finish.PAUSE,
    "FUNCTION_CALL": Finish.TOOL_CALLS,
}
"""All others (OTHER, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL ...) say that it failed."""

FINISH_REASONS = {
    Finish.STOP: "STOP",
    Finish.STOP_SEQUENCE: "STOP",
    Finish.TOOL_CALLS: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CONTEXT_LENGTH: "MAX_TOKENS",
    Finish.REFUSAL: "SAFETY",
    Finish.CONTENT_FILTER: "SAFETY",
    Finish.PAUSE: "OTHER",
    Finish.ERROR: "OTHER",
}


class Blob(msgspec.Struct, rename="camel", gc=False):
    """`inlineData`."""

    mime_type: str = ""
    data: str = ""


class File(msgspec.Struct, rename="camel", gc=False):
    """`fileData`."""

    mime_type: str = ""
    file_uri: str = ""


class Call(msgspec.Struct, rename="camel"):
    """`functionCall`."""

    name: str = ""
    id: str | None = None
    args: msgspec.Raw = ABSENT


class WirePart(msgspec.Struct, rename="camel"):
    """One part; its kind is which field it has."""

    text: msgspec.Raw = ABSENT
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None
    inline_data: Blob | None = None
    file_data: File | None = None
    executable_code: msgspec.Raw = ABSENT
    code_execution_result: msgspec.Raw = ABSENT
    tool_call: msgspec.Raw = ABSENT
    tool_response: msgspec.Raw = ABSENT


class Content(msgspec.Struct):
    """The model's turn."""

    parts: list[WirePart] | None = None


class Likely(msgspec.Struct, rename="camel"):
    """One token and how likely it was."""

    token: str | None = None
    log_probability: float | None = None

    def read(self) -> TokenLogprob:
        """In the hub's form."""
        return TokenLogprob(self.token or "", self.log_probability or 0.0)


class _Top(msgspec.Struct):
    candidates: list[Likely] | None = None


class LogprobsResult(msgspec.Struct, rename="camel"):
    """The tokens that were chosen and those that could have been."""

    chosen_candidates: list[Likely] | None = None
    top_candidates: list[_Top] | None = None

    def read(self) -> list[TokenLogprob]:
        """In the hub's form."""
        tokens = [one.read() for one in self.chosen_candidates or ()]
        for token, top in zip(tokens, self.top_candidates or (), strict=False):
            token.top = [one.read() for one in top.candidates or ()]
        return tokens


class Candidate(msgspec.Struct, rename="camel"):
    """One of the answers."""

    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    grounding_metadata: msgspec.Raw = ABSENT
    citation_metadata: msgspec.Raw = ABSENT
    logprobs_result: LogprobsResult | None = None


class _Modality(msgspec.Struct, rename="camel", gc=False):
    modality: str | None = None
    token_count: int | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    """`usageMetadata`."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: list[_Modality] | None = None
    candidates_tokens_details: list[_Modality] | None = None

    def counted(self) -> Usage:
        """In the hub's form: thoughts are output, what tools brought is input."""
        thoughts = self.thoughts_token_count or 0
        return Usage(
            input=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output=(self.candidates_token_count or 0) + thoughts,
            cache_read=self.cached_content_token_count or 0,
            reasoning=thoughts,
            input_audio=_audio(self.prompt_tokens_details),
            output_audio=_audio(self.candidates_tokens_details),
        )


def _audio(details: list[_Modality] | None) -> int:
    return sum(one.token_count or 0 for one in details or () if one.modality == "AUDIO")


class Feedback(msgspec.Struct, rename="camel"):
    """Why there are no candidates."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Response(msgspec.Struct, rename="camel"):
    """A GenerateContentResponse."""

    candidates: list[Candidate] | None = None
    usage_metadata: msgspec.Raw = ABSENT
    """Told with every chunk; only the last one counts: `counted`."""
    model_version: str | None = None
    response_id: str | None = None
    prompt_feedback: Feedback | None = None
    create_time: str | None = None
    error: msgspec.Raw = ABSENT


def counted(raw: msgspec.Raw) -> Usage | None:
    """Usage in the hub's form. Raises msgspec.ValidationError."""
    usage = _USAGE.decode(raw) if raw else None
    return usage.counted() if usage is not None else None


_USAGE = msgspec.json.Decoder(WireUsage | None)
RESPONSE = msgspec.json.Decoder(Response)
