"""What the app went through, out of Prometheus' answers."""

from __future__ import annotations

import pytest

from faultline.clients.prometheus import Series
from faultline.report import events

START, END = 1000.0, 1060.0
UP = Series({"app": "web", "pod": "web-0"}, tuple((START + i, 1.0) for i in range(61)))


def _told(kind, *series, up=(UP,)):
    found = events.found({"up": up, kind: series} if kind != "up" else {"up": series}, START, END)
    return [(each.at - START, each.until and each.until - START, each.who, each.what) for each in found]


def _series(values, first=0, **labels):
    return Series({"pod": "web-0"} | labels, tuple((START + first + i, float(v)) for i, v in enumerate(values)))


def test_each_kind_is_asked_for_and_told():
    assert events.queries("shop").keys() == events._KINDS.keys()
    assert all('namespace="lab-shop"' in each for each in events.queries("shop").values())


def test_an_alert_is_told_each_time_its_count_grows():
    alerts = _series([2, 2, 3, 3, 5], alert="Down"), _series([1, 1], first=20, alert="Late")
    assert _told("alert", *alerts) == [
        (2, None, "web-0", "the alert Down was raised"),
        (4, None, "web-0", "the alert Down was raised"),
        (20, None, "web-0", "the alert Late was raised"),
    ]


def test_a_process_that_started_in_the_run_is_told_and_none_of_before():
    started = _series([START - 5] * 3 + [START + 30] * 3)
    assert _told("started", started) == [(30, None, "web-0", "its process started")]


def test_a_pod_that_is_silent_for_longer_than_a_scrape_is_told_and_one_that_is_gone():
    late = _series([1, 1, 0, 1, *[1] * 57], pod="late")
    silent = _series([1, 0, 0, 1, 0, 0, *[1] * 55], pod="silent")
    gone = _series([1] * 30, pod="gone")
    before = _series([1, 1], pod="of the code before")
    assert _told("up", late, silent, gone, before) == [
        (1, 5, "silent", "did not answer Prometheus"),
        (29, None, "gone", "was gone"),
    ]


def test_two_silences_that_lie_apart_are_two():
    apart = _series([0, 0, 0, 1, 1, 1, 0, 0, 0, *[1] * 52])
    assert [each[:2] for each in _told("up", apart)] == [(0, 2), (6, 8)]


@pytest.mark.parametrize(
    ("kind", "values", "what"),
    [
        ("waiting", [0, 3, 9, 0], "callers waited for the pool main"),
        ("postgres", [1, 0, 0, 1], "took no connection"),
        ("redis", [1, 0, 0, 1], "took no connection"),
    ],
)
def test_what_was_true_for_a_while_has_its_first_and_last_moment(kind, values, what):
    assert _told(kind, _series(values, pool="main")) == [(1, 2, "web-0", what)]
    assert _told(kind, _series([values[0]] * 4, pool="main")) == []


def test_a_replica_that_was_promoted_is_told_and_one_that_stays_is_not():
    assert _told("replica", _series([1, 1, 0, 0])) == [(2, None, "web-0", "was promoted from replica to primary")]
    assert _told("replica", _series([1, 1]), _series([0, 0])) == []


def test_they_come_in_the_order_of_time_and_only_those_of_the_run():
    later, sooner = _series([0, 0, 1], pool="a"), _series([0, 1], pool="b")
    of_another = _series([1, 1], first=-10, pool="c")
    assert [each[0] for each in _told("waiting", later, sooner, of_another)] == [1, 2]


def test_a_prometheus_that_has_forgotten_is_not_one_to_which_nothing_happened():
    assert events.found({"up": (), "alert": ()}, START, END) is None
    assert events.found({"up": (UP,)}, START, END) == []


async def test_all_is_asked_side_by_side_over_the_run():
    class Prometheus:
        def __init__(self):
            self.asked = []

        async def range(self, query, start, end, step):
            self.asked.append((query, start, end, step))
            return [UP] if query.startswith("max by (app, pod) (up") else []

    one = Prometheus()
    assert await events.asked(one, "shop", START, END) == []
    assert one.asked == [(query, START, END, 1.0) for query in events.queries("shop").values()]
