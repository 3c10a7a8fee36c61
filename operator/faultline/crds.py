"""CustomResourceDefinitions from the pydantic models: structural OpenAPI v3 and CEL rules.

`python -m faultline.crds [FOLDER]` writes them. The API server wants structural schemas: no `$ref`, no null in an
`anyOf`, no numeric `exclusiveMinimum`, and `const` it drops in silence. So each keyword is translated by name and an
unknown one is an error. CEL rules are priced by the bounds of what they walk over, hence the limits in the models.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from faultline.api.app import OPTIONAL_STORES, App
from faultline.api.base import GROUP, VERSION
from faultline.api.run import RunSpec, RunStatus
from faultline.api.status import ScenarioStatus
from faultline.checks import CHECKS
from faultline.errors import InvalidInput
from faultline.faults import FAULTS
from faultline.measures import MEASURES
from faultline.scenario import KINDS, ScenarioSpec

Schema = dict[str, Any]
Rule = dict[str, str]

KEPT = {
    "type",
    "description",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "enum",
    "required",
    "default",
    "x-kubernetes-validations",
}
LEFT_OUT = {"title", "$defs", "propertyNames"}
"""Of a map's keys the pattern is kept, as a rule; it bounds their length, too."""

SCENARIO_NAME = {"type": "string", "maxLength": 40, "pattern": "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"}
RUN_NAME = {"type": "string", "maxLength": 63}


def _one_of(names: list[str], what: str) -> Rule:
    given = ", ".join(f"has(self.{name})" for name in names)
    return {
        "rule": f"[{given}].filter(each, each).size() == 1",
        "message": f"must have exactly one {what}, one of {', '.join(names)}",
    }


def _fault_rules() -> list[Rule]:
    on_edges = [f"has(self.{name})" for name, cls in FAULTS.items() if cls.family == "edge"]
    return [
        _one_of(sorted(FAULTS), "fault"),
        {"rule": f"!({' || '.join(on_edges)}) || has(self.edge)", "message": "edge is required by a fault on an edge"},
    ]


def _objective_rules() -> list[Rule]:
    measure, check = (" || ".join(f"has(self.{name})" for name in sorted(group)) for group in (MEASURES, CHECKS))
    rules = [
        _one_of(sorted(KINDS), "measure or check"),
        {
            "rule": f"!({measure}) || has(self.target) && has(self.worst)",
            "message": "target and worst are required by a measure",
        },
        {
            "rule": f"!({check}) || !has(self.target) && !has(self.worst) && !has(self.cap)",
            "message": "a check has no target, worst or cap: it holds or it does not",
        },
    ]
    names_of = {
        better: [name for name, cls in MEASURES.items() if cls.better == better] for better in ("higher", "lower")
    }
    for better, sign, word in (("higher", ">", "above"), ("lower", "<", "below")):
        if names := names_of[better]:
            given = " || ".join(f"has(self.{name})" for name in names)
            rules.append(
                {
                    "rule": f"!({given}) || !has(self.target) || !has(self.worst) || self.target {sign} self.worst",
                    "message": f"target must be {word} worst for {', '.join(names)}",
                }
            )
    for name in (name for name, cls in MEASURES.items() if cls.better is None):
        stated = f"(self.{name}.direction == 'higher') == (self.target > self.worst) && self.target != self.worst"
        text = f"target must be above worst for {name} where direction is higher, and below it where it is lower"
        rules.append(
            {"rule": f"!has(self.{name}) || !has(self.target) || !has(self.worst) || {stated}", "message": text}
        )
    return rules


def _offenders(path: str, bound: int, bad: str, value: str) -> str:
    """A CEL text of each element of `path` for which `bad` holds; `@` stands for the element in both expressions.

    Written out for each index: what `filter` or `map` returns has no known size, and the cost estimate refuses it.
    """
    parts = []
    for index in range(bound):
        element = f"{path}[{index}]"
        bad_one, value_one = bad.replace("@", element), value.replace("@", element)
        parts.append(f"(size({path}) > {index} && {bad_one} ? ' [{index}] ' + {value_one} : '')")
    return " + ".join(parts)


def _list_rule(path: str, bound: int, bad: str, value: str, text: str) -> Rule:
    every = f"{path}.all(element, !({bad.replace('@', 'element')}))"
    return {"rule": every, "messageExpression": f"'{text}, got' + {_offenders(path, bound, bad, value)}"}


def _bound(model: type[BaseModel], field: str) -> int:
    found: int = next(each.max_length for each in model.model_fields[field].metadata if hasattr(each, "max_length"))
    return found


UNKNOWN_TARGETS = (
    "(has(@.dependencies) && @.dependencies.exists(name,"
    " !self.services.exists(other, other.name == name)"
    " && !(name == 'postgres' && has(self.postgres))"
    " && !(name == 'postgres-replica' && has(self.postgres) && self.postgres.replicas > 0)"
    " && !(name == 'postgres-second' && has(self.postgres) && self.postgres.second)"
    " && !(name == 'redis' && has(self.redis))"
    " && !(name == 'pgbouncer' && has(self.pgbouncer))"
    " && !(name == 'rabbitmq' && has(self.rabbitmq))))"
)

UNKNOWN_EDGE = (
    "(has(@.edge) && @.edge != 'client->' + self.app.entry"
    " && !(@.edge == 'primary->replica' && has(self.app.postgres) && self.app.postgres.replicas > 0)"
    " && !(@.edge == 'pgbouncer->postgres' && has(self.app.pgbouncer))"
    " && !self.app.services.exists(service, has(service.dependencies) && service.dependencies.exists(name,"
    " @.edge == service.name + '->' + name"
    " && !(name == 'redis' && has(self.app.redis) && self.app.redis.replicas == 0)"
    " && !(name == 'rabbitmq' && has(self.app.rabbitmq) && self.app.rabbitmq.replicas == 0))))"
)


def _unmet_rules() -> list[Rule]:
    """What a fault refers to has to be in the app: services by name, data stores at all."""
    rules = []
    naming = [(name, field) for name, cls in FAULTS.items() for field in cls.service_fields]
    if naming:
        given = [f"has(@.{name}) && has(@.{name}.{field})" for name, field in naming]
        unknown = [
            f"({has} && !self.app.services.exists(service, service.name == @.{name}.{field}))"
            for has, (name, field) in zip(given, naming, strict=True)
        ]
        rules.append(
            {
                "rule": f"self.faults.all(element, !({' || '.join(unknown).replace('@', 'element')}))",
                "message": "faults[].TYPE.service must be the name of one of the app's services",
            }
        )
    has_store = {
        "postgres": "has(self.app.postgres)",
        "postgres-replica": "(has(self.app.postgres) && self.app.postgres.replicas > 0)",
        "redis": "(has(self.app.redis) && self.app.redis.replicas > 0)",
        "pgbouncer": "has(self.app.pgbouncer)",
    }
    for store, there in has_store.items():
        if names := [name for name, cls in FAULTS.items() if store in cls.stores]:
            needing = " || ".join(f"has(element.{name})" for name in names)
            rules.append(
                {
                    "rule": f"{there} || self.faults.all(element, !({needing}))",
                    "message": f"faults[] of types {', '.join(names)} need {store} in the app",
                }
            )
    return [*rules, *map(_stays_rule, OPTIONAL_STORES)]


def _stays_rule(store: str) -> Rule:
    """No fault needs what the learner's values may leave out. Objectives are for the operator and the linter."""
    needing = [f"has(element.{name})" for name, cls in FAULTS.items() if store in cls.stores]
    needing.append(f"has(element.edge) && element.edge.endsWith('->{store}')")
    to_nothing = "has(rule.min) && rule.min <= 0.0 || has(rule.choices) && '0' in rule.choices"
    may_go = f"self.app.tunable.exists(rule, rule.value == '{store}.replicas' && ({to_nothing}))"
    return {
        "rule": f"!has(self.app.tunable) || !{may_go} || self.faults.all(element, !({' || '.join(needing)}))",
        "message": f"faults[] must not need {store}: app.tunable lets {store}.replicas be 0",
    }


def _app_rules() -> list[Rule]:
    services = _bound(App, "services")
    return [
        {
            "rule": "self.services.exists(service, service.name == self.entry)",
            "messageExpression": "'entry must be the name of one of the services, got ' + self.entry",
        },
        _list_rule(
            "self.services",
            services,
            "!self.services.exists_one(other, other.name == @.name)",
            "@.name",
            "services must have unique names",
        ),
        _list_rule(
            "self.services",
            services,
            UNKNOWN_TARGETS,
            "@.name",
            "services[].dependencies must be services or data stores of this app",
        ),
        {
            "rule": "!has(self.queues) || self.queues.all(queue, (!has(queue.redis) || has(self.redis))"
            " && (!has(queue.rabbitmq) || has(self.rabbitmq)) && (!has(queue.sql) || has(self.postgres)))",
            "message": "queues[] must be in data stores of this app: redis needs redis, rabbitmq needs rabbitmq,"
            " sql needs postgres",
        },
    ]


def _spec_rules() -> list[Rule]:
    faults = _bound(ScenarioSpec, "faults")
    return [
        _list_rule(
            "self.faults",
            faults,
            UNKNOWN_EDGE,
            "@.edge",
            "faults[].edge must be an edge of the app (client->ENTRY or SERVICE->DEPENDENCY)",
        ),
        _list_rule(
            "self.faults",
            faults,
            "duration(@.at) + duration(@.__for__) > duration(self.phases.fault)",
            "@.at + ' for ' + @.__for__",
            "faults[] must end within the length of phases.fault",
        ),
        _list_rule(
            "self.faults",
            faults,
            "(has(@.name) && !self.faults.exists_one(other, has(other.name) && other.name == @.name))",
            "@.name",
            "faults[] must have unique names",
        ),
        *_unmet_rules(),
    ]


RUN_RULES: list[Rule] = [{"rule": "self == oldSelf", "message": "a Run is never edited: create another one"}]


def _rules(model: str) -> list[Rule]:
    match model:
        case "FaultSpec":
            return _fault_rules()
        case "ObjectiveSpec":
            return _objective_rules()
        case "App":
            return _app_rules()
        case "Queue":
            return [
                {
                    "rule": "has(self.redis) || has(self.rabbitmq) || has(self.sql)",
                    "message": "must have at least one place, of redis, rabbitmq, sql",
                }
            ]
        case "ScenarioSpec":
            return _spec_rules()
        case "RunSpec":
            return RUN_RULES
    return []


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, all references resolved, its CEL rules added."""
    schema = model.model_json_schema(by_alias=True)
    return _with_rules(_convert(schema, schema.get("$defs", {})), model.__name__)


def _with_rules(schema: Schema, name: str) -> Schema:
    rules = _rules(name)
    return schema | {"x-kubernetes-validations": rules} if rules else schema


def _convert(node: Schema, defs: Schema) -> Schema:
    node = dict(node)
    if reference := node.pop("$ref", None):
        name = reference.rsplit("/", 1)[-1]
        return _with_rules(_convert(defs[name], defs), name) | _convert(node, defs)
    if variants := node.pop("anyOf", None):
        (variant,) = [each for each in variants if each.get("type") != "null"]
        if node.get("default", ...) is None:
            del node["default"]
        return _convert(variant, defs) | _convert(node, defs)
    return {key: value for each, old in node.items() for key, value in _keyword(each, old, defs).items()}


def _keyword(key: str, value: Any, defs: Schema) -> Schema:
    match key:
        case "properties":
            return {key: {name: _convert(each, defs) for name, each in value.items()}} if value else {}
        case "items":
            return {key: _convert(value, defs)}
        case "additionalProperties":
            return {key: _convert(value, defs)} if value else {}
        case "patternProperties":
            ((pattern, schema),) = value.items()
            return {"additionalProperties": _convert(schema, defs)} | _key_rule(pattern)
        case "const":
            return {"enum": [value]}
        case "exclusiveMinimum":
            return {"minimum": value, "exclusiveMinimum": True}
        case "exclusiveMaximum":
            return {"maximum": value, "exclusiveMaximum": True}
        case _ if key in KEPT:
            return {key: value}
        case _ if key in LEFT_OUT:
            return {}
    raise InvalidInput("FL103", f"schema keyword {key!r} has no structural form, got {value!r}", "teach it to crds.py")


def _key_rule(pattern: str) -> Schema:
    # A map's keys have no schema of their own in a structural one.
    rule = {"rule": f"self.all(key, key.matches('{pattern}'))", "message": f"every key must match {pattern}"}
    return {"x-kubernetes-validations": [rule]}


def _definition(
    kind: str, short: str, spec: type[BaseModel], status: type[BaseModel], name: Schema, columns: list[tuple[str, ...]]
) -> Schema:
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": kind,
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["faultline"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": column, "type": type_, "jsonPath": path} for column, type_, path in columns
                    ],
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "required": ["spec"],
                            "properties": {
                                "apiVersion": {"type": "string"},
                                "kind": {"type": "string"},
                                "metadata": {"type": "object", "properties": {"name": name}},
                                "spec": structural(spec),
                                "status": structural(status),
                            },
                        }
                    },
                }
            ],
        },
    }


def definitions() -> dict[str, Schema]:
    """Both CRDs, by file name."""
    age = ("Age", "date", ".metadata.creationTimestamp")
    score = ("Score", "integer", ".status.lastScore")
    return {
        "scenarios.yaml": _definition(
            "Scenario",
            "scn",
            ScenarioSpec,
            ScenarioStatus,
            SCENARIO_NAME,
            [("Tier", "string", ".spec.tier"), ("Phase", "string", ".status.phase"), score, age],
        ),
        "runs.yaml": _definition(
            "Run",
            "flrun",
            RunSpec,
            RunStatus,
            RUN_NAME,
            [
                ("Scenario", "string", ".spec.scenario"),
                ("Phase", "string", ".status.phase"),
                ("Score", "integer", ".status.score"),
                ("Verdict", "string", ".status.verdict"),
                age,
            ],
        ),
    }


def render(definition: Schema) -> str:
    """The file's text."""
    head = "# Generated by `python -m faultline.crds` from operator/faultline; change the models instead.\n"
    return head + yaml.dump(definition, Dumper=_Dumper, sort_keys=False, width=120)


class _Dumper(yaml.SafeDumper):
    """No anchors: the same rule in two places is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main(folder: Path) -> None:
    """Writes both files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, definition in definitions().items():
        (folder / name).write_text(render(definition))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "charts/faultline/crds")
