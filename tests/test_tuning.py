"""Values that a scenario lets the learner set, in its spec."""

import copy
import re

import pytest

from faultline import tuning
from faultline.api.app import Tunable
from faultline.errors import InvalidInput
from faultline.scenario import ScenarioSpec

SPEC = {
    "slug": "shop",
    "title": "A small shop",
    "tier": "crawling",
    "app": {
        "entry": "web",
        "services": [
            {"name": "web", "module": "web:app", "dependencies": ["pgbouncer"], "env": {"LEVEL": "info"}},
            {"name": "payments", "module": "payments:app", "shared": True},
        ],
        "postgres": {},
        "pgbouncer": {"poolSize": 5},
        "rabbitmq": {"replicas": 0},
        "tunable": [
            {"value": "services.web.replicas", "min": 1, "max": 2, "reason": "each takes connections"},
            {"value": "services.web.env.POOL_SIZE", "min": 1, "max": 20, "reason": "there are 47"},
            {"value": "rabbitmq.replicas", "min": 0, "max": 1, "reason": "there is one or none"},
            {"value": "pgbouncer.poolMode", "choices": ["session", "transaction"], "reason": "statements need one"},
        ],
    },
    "load": {"stages": [{"rate": 10}]},
    "faults": [{"for": "2s", "none": {}}],
    "objectives": [
        {"name": "answers", "weight": 1, "target": 0.99, "worst": 0.9, "reason": "answer people", "availability": {}}
    ],
}  # fmt: skip


def spec(**app):
    found = copy.deepcopy(SPEC)
    found["app"].update(app)
    return ScenarioSpec.model_validate(found)


def applied(text):
    return tuning.applied(spec(), {"values.yaml": text})


def test_without_values_the_spec_is_as_it_was():
    assert tuning.applied(spec(), {"web.py": ""}) == applied("") == applied("# none\n") == spec()


def test_a_store_is_switched_on():
    assert "rabbitmq" not in applied("").app.stores()
    assert "rabbitmq" in applied("rabbitmq.replicas: 1\n").app.stores()


def test_values_go_to_their_places():
    app = applied("services.web.replicas: 2\nservices.web.env.POOL_SIZE: 7\npgbouncer.poolMode: session\n").app
    assert (app.services[0].replicas, app.services[0].env) == (2, {"LEVEL": "info", "POOL_SIZE": "7"})
    assert (app.pgbouncer.pool_mode, app.pgbouncer.pool_size) == ("session", 5)
    assert app.services[1] == spec().app.services[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services.web.replicas: 0\n", "services.web.replicas must be from 1 to 2, got 0: each takes connections"),
        ("services.web.env.POOL_SIZE: many\n", "must be a number, got many"),
        ("services.web.env.POOL_SIZE: nan\n", "must be from 1 to 20, got nan"),
        ("pgbouncer.poolMode: statement\n", "must be one of session, transaction, got statement"),
        ("pgbouncer.poolSize: 6\n", "pgbouncer.poolSize is not yours to set in this scenario: it lets you"),
        ("services.web.replicas: true\n", "must be a number or a text, got True"),
    ],
)  # fmt: skip
def test_what_a_scenario_does_not_allow_is_refused_with_its_reason(text, said):
    with pytest.raises(InvalidInput, match="FL137") as caught:
        applied(text)
    assert said in caught.value.message


def test_a_value_of_the_wrong_kind_is_refused_by_the_field():
    with pytest.raises(InvalidInput, match=r"FL105: spec\.app\.services\[0\]\.replicas .*got 1\.5"):
        applied("services.web.replicas: 1.5\n")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"min": 1}, "either min and max or choices"),
        ({}, "either min and max or choices"),
        ({"min": 1, "max": 2, "choices": ["a"]}, "either min and max or choices"),
        ({"min": 3, "max": 2}, "min must be at most max = 2, got 3"),
    ],
)
def test_a_rule_has_bounds_or_choices(rule, said):
    with pytest.raises(ValueError, match=said):
        Tunable.model_validate({"value": "services.web.replicas", "reason": "x", **rule})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("services.web.cpu", "pattern"),
        ("services.payments.replicas", "must be of one of web, got services.payments.replicas"),
        ("services.none.replicas", "must be of one of web"),
        ("redis.maxmemory", "needs redis in the app"),
    ],
)
def test_a_rule_is_for_what_the_learner_has(value, said):
    with pytest.raises(ValueError, match=said):
        spec(tunable=[{"value": value, "min": 1, "max": 2, "reason": "x"}])


def leaving_out(objective, **app):
    """A spec with this objective, whose values may leave out Redis."""
    found = copy.deepcopy(SPEC)
    found["app"]["tunable"].append({"value": "redis.replicas", "min": 0, "max": 1, "reason": "or elsewhere"})
    found["app"] |= {"redis": {}, **app}
    found["app"]["services"][0]["dependencies"].append("redis")
    found["objectives"] = [{"name": "it", "weight": 1, "reason": "so", **objective}]
    return ScenarioSpec.model_validate(found)


LOWER = {"target": 1, "worst": 9}


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"target": 0.9, "worst": 0.1, "cache_hit_ratio": {}}, "cache_hit_ratio {}, got redis"),
        (LOWER | {"queue_age": {"queue": "jobs"}}, "queue_age.queue {}, got jobs"),
        (LOWER | {"queue_depth": {"queue": "jobs"}}, "queue_depth.queue {}, got jobs"),
        (
            LOWER | {"retry_amplification": {"dependency": "redis"}},
            "retry_amplification.dependency {}, got redis",
        ),
        (
            LOWER | {"retry_amplification": {"dependency": "redis", "edge": "web->redis"}},
            "retry_amplification.edge {}, got web->redis",
        ),
    ],
)
def test_a_measure_of_a_store_that_values_may_leave_out_is_refused(objective, said):
    rule = "must not need a data store that values may leave out (app.tunable[4] lets redis.replicas be 0)"
    with pytest.raises(ValueError, match=re.escape(f"objectives[0].{said.format(rule)}")):
        leaving_out(objective, queues=[{"name": "jobs", "redis": "jobs"}])


def test_a_queue_may_be_in_one_of_several_stores():
    queues = [{"name": "jobs", "redis": "jobs", "rabbitmq": "jobs"}]
    assert leaving_out(LOWER | {"queue_age": {"queue": "jobs"}}, queues=queues).app.optional().keys() == {
        "redis",
        "rabbitmq",
    }
