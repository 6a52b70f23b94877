"""The description of the device protocol for machines: AsyncAPI 3.0, made from the messages of this package.

It is told from a gate's side: what a gate sends is `send`, what it hears is `receive`. The prose is docs/devices.md,
whose examples stand beside this file.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

from gate_bridge.wire.fields import Epoch
from gate_bridge.wire.messages import (
    FOR_ALL,
    FORMS,
    MAX_BATCH_EVENTS,
    QOS,
    RETAINED,
    DownLeg,
    Leg,
    UpLeg,
)
from gate_bridge.wire.reports import Event

Document = dict[str, Any]  # Any: a JSON object in the words of AsyncAPI
BINDING: Final = "0.2.0"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"


class Batch(Struct, frozen=True, kw_only=True):
    """Events sent late or again in one message: they tell of the past and must not disturb what is live."""

    epoch: Epoch = field(name="e")
    events: Annotated[list[Event], Meta(min_length=1, max_length=MAX_BATCH_EVENTS)] = field(name="ev")
    historical: Annotated[int, Meta(ge=1, le=1)] = field(name="h", default=1)


# Any: a Struct, or another type whose JSON schema is asked for. The reader's own form of a batch leaves its events raw.
MESSAGES: Final[Mapping[Leg, tuple[Any, ...]]] = {
    leg: (Batch,) if leg == "up/batch" else get_args(form) if isinstance(form, UnionType) else (form,)
    for leg, form in FORMS.items()
}
ANSWERS: Final[Mapping[Leg, Leg]] = {"up/scan": "dn/dec", "dn/cmd": "up/res", "up/al/get": "dn/al/chunk"}


def asyncapi(*, version: str, broker: str = "") -> Document:
    """Return the document; ``broker`` is the address that gates reach the broker at, where it is known."""
    forms = [(leg, form) for leg, those in MESSAGES.items() for form in those]
    payloads, schemas = msgspec.json.schema_components(
        [form for _, form in forms], ref_template="#/components/schemas/{name}"
    )
    legs = (*get_args(UpLeg), *get_args(DownLeg))
    document: Document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gatehouse: gates",
            "version": version,
            "description": "What a gate and the server say to each other over MQTT, version 1 of the topics.",
        },
        "defaultContentType": "application/json",
        "channels": {_name(leg): _channel(leg) for leg in legs},
        "operations": {_name(leg): _operation(leg) for leg in legs},
        "components": {
            "messages": {
                name_of(leg, form): _message(leg, form, _in_words_of_every_language(payload))
                for (leg, form), payload in zip(forms, payloads, strict=True)
            },
            "schemas": _in_words_of_every_language(schemas),
            "parameters": {
                "site": {"description": "The site's id, a decimal number."},
                "gate": {
                    "description": "The gate's id, a decimal number; its account and client id as well."
                },
            },
            "securitySchemes": {
                "account": {
                    "type": "userPassword",
                    "description": "The gate's account, as enrolling gave it.",
                }
            },
        },
    }
    return document | ({"servers": {"broker": _server(broker)}} if broker else {})


def name_of(leg: Leg, form: Any) -> str:
    """Return how a message is called: a Struct by its own name, anything else by its topic."""
    return form.__name__ if isinstance(form, type) else _name(leg)


def _name(leg: Leg) -> str:
    way, *what = leg.split("/")
    return way + "".join(word.capitalize() for word in what)


def _channel(leg: Leg) -> Document:
    places = ("site",) if leg in FOR_ALL else ("site", "gate")
    return {
        "address": f"gh/1/{{site}}/{'_all' if leg in FOR_ALL else '{gate}'}/{leg}",
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in places},
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"}
            for name in (name_of(leg, form) for form in MESSAGES[leg])
        },
    }


def _operation(leg: Leg) -> Document:
    binding: Document = {"qos": QOS[leg], "bindingVersion": BINDING}
    sent = leg.startswith("up/")
    if sent:
        binding["retain"] = leg in RETAINED
    described: Document = {
        "action": "send" if sent else "receive",
        "channel": {"$ref": f"#/channels/{_name(leg)}"},
        "summary": " ".join(filter(None, map(_summary, MESSAGES[leg]))),
        "bindings": {"mqtt": binding},
    }
    if answer := ANSWERS.get(leg):
        described["reply"] = {"channel": {"$ref": f"#/channels/{_name(answer)}"}}
    return described


def _message(leg: Leg, form: Any, payload: Document) -> Document:
    return {
        "name": name_of(leg, form),
        "title": _summary(form),
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": payload},
        "examples": [{"payload": example} for example in _examples(leg, form)],
    }


def _examples(leg: Leg, form: Any) -> list[Any]:
    """The examples of the documentation; of births and deaths, those that are of this form."""
    told = msgspec.json.decode((Path(__file__).parent / "examples.json").read_bytes())
    tag = form.__struct_config__.tag if isinstance(form, type) and issubclass(form, Struct) else None
    return [example for example in told[leg] if tag is None or example["s"] == tag]


def _summary(form: Any) -> str:
    return (inspect.getdoc(form) or "").partition("\n")[0] if isinstance(form, type) else ""


def _server(url: str) -> Document:
    parts = urlsplit(url)
    return {
        "host": parts.netloc.rpartition("@")[2],
        "protocol": "secure-mqtt" if parts.scheme == "mqtts" else "mqtt",
        "protocolVersion": "3.1.1",
        "security": [{"$ref": "#/components/securitySchemes/account"}],
    }


def _in_words_of_every_language(schema: Any) -> Any:  # Any: a part of a JSON schema
    """Patterns end in Python's own word for the end; JSON Schema asks for that of ECMAScript."""
    if isinstance(schema, dict):
        return {
            name: value.replace(r"\Z", "$") if name == "pattern" else _in_words_of_every_language(value)
            for name, value in schema.items()
        }
    return [_in_words_of_every_language(one) for one in schema] if isinstance(schema, list) else schema
