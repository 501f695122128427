"""The kinds of values that keys of a config have; `Block` is what every mapping is made of."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from controlplane.config import values

MAX_ITEMS = 20_000  # of any list; ten times the 1,000 routes we measure with, and some

# What a name may be. Ids go into headers and into OpenAI's message `name`, so they are plain words.
ID = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
LISTENER_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,127}$"
MODEL_NAME = r"^[!-~]{1,256}$"
AUTHORITY = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}(:[0-9]{1,5})?$"


def _duration(text: str) -> str:
    """A duration in range, kept as it is written."""
    try:
        values.duration_ms(text)
    except values.BadValueError as e:
        raise PydanticCustomError("outrider", "{said}", {"said": e.message, "hint": e.hint}) from e
    return text


def url(text: str) -> str:
    """A URL that can be called, kept as it is written."""
    try:
        values.read_url(text)
    except values.BadValueError as e:
        raise PydanticCustomError("outrider", "{said}", {"said": e.message, "hint": e.hint}) from e
    return text


Id = Annotated[str, StringConstraints(pattern=ID)]
ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME)]
Duration = Annotated[
    str,
    AfterValidator(_duration),
    Field(json_schema_extra={"pattern": values.DURATION, "examples": ["30s", "500ms", "2m"]}),
]
Url = Annotated[
    str,
    AfterValidator(url),
    Field(json_schema_extra={"pattern": "^https?://", "examples": ["http://127.0.0.1:8001"]}),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=8192)]
SecretText = Annotated[str, StringConstraints(min_length=1, max_length=8192)]
# YAML lists become tuples, so the values can be shared without fear; all else is taken as written.
Names = Annotated[tuple[Id, ...], Strict(False), Field(max_length=MAX_ITEMS)]
Texts = Annotated[tuple[Text, ...], Strict(False), Field(max_length=MAX_ITEMS)]


class Block(BaseModel):
    """A mapping with known keys; any other key is refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )
