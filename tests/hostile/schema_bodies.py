"""What exactly is wrong with a body, by the document's own schema of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openapi_schema_validator import OAS31Validator

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one operation's body."""

    required: frozenset[str]
    fields: Mapping[str, OAS31Validator]

    def only_wrong(self, body: Json, sound: Json) -> Json | None:
        """The sound body, but for what is wrong with the other: so that nothing else can be the
        reason why it is refused. None if nothing is wrong that a field could tell."""
        wrong = {
            name: value
            for name, value in body.items()
            if name not in self.fields or not self.fields[name].is_valid(value)
        }
        missing = self.required - body.keys()
        if not wrong and not missing:
            return None
        return {name: value for name, value in sound.items() if name not in missing} | wrong


def forms(document: Json) -> dict[str, Form]:
    """Operation ("POST /auctions") -> the form of its body."""
    components = document["components"]
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                schema = content["application/json"]["schema"]
                name = schema["$ref"].rpartition("/")[2]
                found[f"{method.upper()} {path}"] = _form(components["schemas"][name], components)
    return found


def _form(schema: Json, components: Json) -> Form:
    return Form(
        frozenset(schema.get("required", ())),
        {
            name: OAS31Validator({**each, "components": components})
            for name, each in schema.get("properties", {}).items()
        },
    )
