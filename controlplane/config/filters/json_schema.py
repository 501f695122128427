"""`type: json_schema`."""

from typing import Annotated, Any, Literal

import jsonschema_rs
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from controlplane.config.fields import Block
from controlplane.config.filters.kind import Kind


def _nothing(uri: str) -> Any:
    raise ValueError(f"{uri} is not part of it")


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that is whole and can be checked."""
    try:
        options = jsonschema_rs.RegexOptions()
        jsonschema_rs.validator_for(schema, pattern_options=options, retriever=_nothing)
    except ValueError as problem:
        context = {"said": f"is not a JSON schema: {str(problem).splitlines()[0]}", "hint": ""}
        raise PydanticCustomError("outrider", "{said}", context) from problem
    return schema


class JsonSchemaConfig(Block):
    """Lets only answers through that are JSON of a schema."""

    json_schema: Annotated[dict[str, Any], Field(alias="schema"), AfterValidator(_schema)]
    """The JSON schema, whole: references lead within it."""
    repair: bool = True
    """Whether JSON in a code block, or with words around it, is taken out and given alone."""
    streams: Literal["hold", "tell"] = "hold"
    """`hold`: nothing of a stream is seen before all of it fits. `tell`: it is seen as it comes,
    and what does not fit ends with an error in place of its end."""
    on_mismatch: Literal["refuse", "flag"] = "refuse"
    """What becomes of an answer that does not fit: an error, or it passes and
    `x-outrider-flagged`, log and metrics say so."""
    retries: Annotated[int, Field(ge=0, le=3)] = 0
    """How often the model is told what is wrong and asked again, before that; of streams only with
    `hold`. Not for agents: to ask them twice may do things twice."""


KIND = Kind(JsonSchemaConfig, inputs=False)
