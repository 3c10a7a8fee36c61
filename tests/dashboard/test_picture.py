"""The picture of a lab: everything is on it, and nothing lies upon another."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultline import documents
from faultline.api.app import App
from faultline.dashboard.picture import NODE_HEIGHT, NODE_WIDTH, draw, svg
from faultline.host.home import REPO

SHOP = App.model_validate(
    documents.read((REPO / "scenarios/circuit-breakers/scenario.yaml").read_text())["spec"]["app"]
)


@pytest.mark.parametrize("tall", [False, True])
def test_every_edge_is_an_arrow_between_two_boxes(tall: bool) -> None:
    picture = draw(SHOP, tall=tall)
    assert [each.name for each in picture.arrows] == list(SHOP.edges())
    names = {each.name for each in picture.nodes}
    assert {end for each in picture.arrows for end in (each.source, each.target)} <= names
    assert "replica" not in names, "the replica has one name, by whichever edge it is reached"
    text = svg(picture)
    assert text.count('class="edge"') == len(picture.arrows)
    assert 'data-edge="checkout-&gt;payments"' in text


def test_a_store_that_is_left_out_is_drawn_for_those_who_bring_it_in() -> None:
    services = [{"name": "web", "module": "web:app", "dependencies": ["rabbitmq"]}]
    app = App.model_validate({"entry": "web", "services": services, "rabbitmq": {"replicas": 0}})
    assert [each.name for each in draw(app).arrows] == ["client->web", "web->rabbitmq"]


NAMES = [f"s{place}" for place in range(7)]


@given(
    st.lists(st.lists(st.sampled_from([*NAMES, "redis", "postgres"]), unique=True, max_size=4), min_size=1, max_size=7),
    st.booleans(),
)
def test_boxes_do_not_overlap_whoever_calls_whom(calls: list[list[str]], tall: bool) -> None:
    known = NAMES[: len(calls)]
    services = [
        {
            "name": name,
            "module": "main:app",
            "dependencies": [each for each in called if each in (*known, "redis") and each != name],
        }
        for name, called in zip(known, calls, strict=True)
    ]
    app = App.model_validate({"entry": "s0", "services": services, "redis": {}})
    picture = draw(app, tall=tall)
    assert {each.name for each in picture.nodes} >= {"client", "s0"}
    for a, b in itertools.combinations(picture.nodes, 2):
        assert abs(a.x - b.x) >= NODE_WIDTH or abs(a.y - b.y) >= NODE_HEIGHT, (a, b)
    for node in picture.nodes:
        assert NODE_WIDTH / 2 <= node.x <= picture.width - NODE_WIDTH / 2
        assert NODE_HEIGHT / 2 <= node.y <= picture.height - NODE_HEIGHT / 2
