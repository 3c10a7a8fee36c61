"""The draft of a post-mortem."""

from __future__ import annotations

import re

from faultline.report.postmortem import post_mortem


def _part(text, title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1].strip()


def test_it_says_all_that_the_run_knows(kept):
    text = post_mortem(kept())
    assert text.startswith("# Post-mortem: Circuit breakers\n")
    assert "run circuit-breakers-1, 2027-01-15 08:00 UTC, code: flawed" in text
    assert _part(text, "Summary").startswith("Answered 66.4% of the requests well")
    assert _part(text, "Impact").splitlines()[:2] == [
        "- all requests: 96 of 1,140 not answered well (8.4%), between 15.0 s and 40.8 s after the load began",
        "- buy: 96 of 228 not answered well (42.1%), between 15.0 s and 40.8 s after the load began",
    ]
    assert "| 15.0 to 28.0 | fault slow: latency on checkout->payments |" in _part(text, "Time line")
    assert _part(text, "Detection") == "- 19.0 s: the alert CheckoutsFail was raised"
    assert "the rest of the site stays up: 58.1%, expected at least 99%" in _part(text, "What went wrong")
    assert "contain it with a bulkhead" in _part(text, "What went wrong")
    assert "| [action] | [which] | the rest of the site stays up: at least 99%" in _part(text, "Action items")


def test_what_went_well_and_what_did_not_are_told_apart(kept):
    text = post_mortem(kept(good=True))
    assert "- well again soon: 0 s, expected at most 5 s" in _part(text, "What went well")
    assert _part(text, "What went wrong") == "- nothing that was asked for"
    assert "every request of a client was answered well" in _part(text, "Impact")
    assert "No alert was raised." in _part(text, "Detection")


def test_what_is_not_known_is_not_made_up(record):
    text = post_mortem(record())
    assert "the run's requests were not kept" in _part(text, "Impact")
    assert "No alert was on record." in _part(text, "Detection")


def test_a_violation_is_part_of_the_impact_with_its_example(kept):
    check = {"name": "once", "check": "duplicate_effects", "result": "violated", "violations": 1200,
             "examples": [{"text": "key 7 took effect twice", "operations": []}]}  # fmt: skip
    assert "- once: key 7 took effect twice (1,200 such cases)" in _part(post_mortem(kept(checks=[check])), "Impact")


def test_a_run_that_could_not_be_judged_says_why(kept):
    text = post_mortem(kept(verdict="inconclusive", score=None, reasons=["host noise: 52%; stop it"]))
    assert "The run could not be judged: host noise: 52%; stop it" in _part(text, "Summary")


def test_the_cause_is_left_to_the_reader(kept):
    assert _part(post_mortem(kept()), "Root cause").startswith("[")


def test_a_name_cannot_break_a_table(kept):
    one = kept()
    events = [one.events[0].model_copy(update={"what": "a|b\nc"})]
    rows = _part(post_mortem(one.model_copy(update={"events": events})), "Time line").splitlines()
    assert "| 16.0 to 27.0 | checkout-0 a\\|b c |" in rows


def test_a_run_that_never_got_far_has_a_draft_too(record):
    bare = record(summary=None, objectives=[], faults=[], phases=[], score=None, verdict=None, mark=None)
    assert "[nothing that was asked for]" in _part(post_mortem(bare), "What went well")
