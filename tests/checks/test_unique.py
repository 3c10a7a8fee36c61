from __future__ import annotations

from tests.checks.made import judge, op


def shorten(code, url, at, **more):
    return op("shorten", url, None, at, result=code, **more)


def test_the_same_code_for_two_urls_violates():
    found = judge(
        "unique", {"operations": ["shorten"], "to": "key"}, shorten("x", "a", (0, 1)), shorten("x", "b", (2, 3))
    )
    assert found.violations[0].text == 'result "x" was given out twice'


def test_a_retry_may_get_its_own_code_again():
    history = shorten("x", "a", (0, 1)), shorten("x", "a", (2, 3)), shorten("y", "b", (2, 3))
    assert judge("unique", {"operations": ["shorten"], "to": "key"}, *history).result == "holds"
    assert judge("unique", {"operations": ["shorten"]}, *history).result == "violated"


def test_a_seat_is_sold_once():
    ask = {"operations": ["book"], "of": "value", "to": "session"}
    sold = op("book", None, "12A", (0, 1), session="ann"), op("book", None, "12A", (2, 3), session="ann")
    refused = op("book", None, "12A", (2, 3), session="bob", outcome="failed", status=409)
    unknown = op("book", None, "12A", (2, 3), session="bob", outcome="unknown")
    assert judge("unique", ask, *sold, refused, unknown).result == "holds"
    assert judge("unique", ask, *sold, op("book", None, "12A", (4, 5), session="bob")).result == "violated"


def test_a_number_is_not_its_text_and_true_is_not_1():
    ask = {"operations": ["shorten"]}
    assert judge("unique", ask, *(shorten(code, "a", (0, 1)) for code in (1, "1", True, [1]))).result == "holds"


def test_answers_without_a_result_are_no_data():
    assert judge("unique", {"operations": ["shorten"]}, shorten(None, "a", (0, 1))).result == "undecided"
