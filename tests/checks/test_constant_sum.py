from __future__ import annotations

import pytest
from tests.checks.made import get, judge

ASK = {"reads": ["get"], "total": 100}


def test_an_answer_whose_amounts_do_not_add_up_violates():
    found = judge("constant_sum", ASK, get("all", [60, 40], (0, 1)), get("all", {"a": 60, "b": 39}, (2, 3)))
    assert [each.text for each in found.violations] == ["the sum is 99, 1 too little"]
    assert found.examined == 2


def test_decimal_numbers_add_up_exactly():
    ask = {"reads": ["get"], "total": 0.3}
    assert judge("constant_sum", ask, get("all", [0.1, 0.2], (0, 1))).result == "holds"
    assert judge("constant_sum", ask, get("all", ["0.1", "0.20000000000000001"], (0, 1))).result == "violated"
    assert judge("constant_sum", ask | {"tolerance": 0.01}, get("all", [0.1, 0.209], (0, 1))).result == "holds"


def test_final_reads_add_up_together():
    ask = ASK | {"over": "final_reads"}
    early = get("a", 1, (0, 1))
    assert (
        judge("constant_sum", ask, early, get("a", 60, (2, 3), final=True), get("b", 40, (2, 3), final=True)).result
        == "holds"
    )
    found = judge("constant_sum", ask, get("a", 60, (2, 3), final=True), get("b", 41, (2, 3), final=True))
    assert found.violations[0].text == "the sum is 101, 1 too much"


def test_a_sum_with_a_part_missing_is_undecided():
    ask = ASK | {"over": "final_reads"}
    missing = get("b", None, (2, 3), final=True, outcome="unknown")
    found = judge("constant_sum", ask, get("a", 60, (2, 3), final=True), missing)
    assert found.result == "undecided"
    assert "keys without a final read, whose amounts are missing: 1 (b)" in found.undecided


@pytest.mark.parametrize("result", [None, True, "much", ["a"]])
def test_what_is_no_amount_is_undecided(result):
    assert judge("constant_sum", ASK, get("all", result, (0, 1))).result == "undecided"
