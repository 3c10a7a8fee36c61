"""A graded run as JUnit XML, for pipelines: a test for the verdict, one for each objective and each check."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from faultline.api.run import PASS_MARK
from faultline.report import RunRecord, by_history_alone, check_gist, missed
from faultline.report.text import expected, reasons, seen

Outcome = tuple[str, str, str]
"""Name of a test; `failure`, `error`, `skipped` or nothing; and the text that goes with it."""


def xml(records: Sequence[RunRecord]) -> bytes:
    """A test suite for each run.

    An objective that lost points is a failure only where the run failed: the pass mark leaves room for some. A run
    without a verdict is an error, and says nothing of its objectives. What a failed run could not measure is skipped;
    of one that failed by its history alone that is all that the history does not prove.
    """
    root = ElementTree.Element("testsuites", name="faultline")
    for record in records:
        outcomes = [_verdict(record), *_objectives(record), *_checks(record)]
        status = record.status
        took = status.ended - status.started if status.started and status.ended else 0.0
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=record.name,
            tests=str(len(outcomes)),
            failures=str(sum(kind == "failure" for _, kind, _ in outcomes)),
            errors=str(sum(kind == "error" for _, kind, _ in outcomes)),
            skipped=str(sum(kind == "skipped" for _, kind, _ in outcomes)),
            time=f"{took:.3f}",
        )
        for name, kind, text in outcomes:
            case = ElementTree.SubElement(suite, "testcase", classname=record.spec.scenario, name=name)
            if kind:
                ElementTree.SubElement(case, kind, message=text.splitlines()[0]).text = text
            elif text:
                ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(root)
    found: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return found


def _verdict(record: RunRecord) -> Outcome:
    status = record.status
    kind = {"pass": "", "fail": "failure"}.get(status.verdict or "", "error")
    score = "no score" if status.score is None else f"{status.score} of 100"
    first = f"{status.verdict or 'not graded'}: {score}, {PASS_MARK} are needed"
    return "verdict", kind, "\n".join([first, *reasons(record)])


def _objectives(record: RunRecord) -> list[Outcome]:
    status = record.status
    failed = {each.name for each in missed(status)} if status.verdict == "fail" else set()
    found: list[Outcome] = []
    for each in status.objectives:
        text = f"expected {expected(each)}, seen {seen(each)}; {each.points:.3g} of {each.weight:.3g} points"
        full = text if each.met else f"{text}\n{each.reason}\n{each.query}"
        if each.name in failed:
            found.append((each.name, "failure", full))
        elif by_history_alone(status):
            found.append((each.name, "skipped", f"not to be trusted: {full}"))
        else:
            found.append((each.name, "skipped" if status.verdict == "fail" and each.value is None else "", full))
    return found


def _checks(record: RunRecord) -> list[Outcome]:
    return [
        (f"{each.name} ({each.check})", "failure" if each.result == "violated" else "",
         "\n".join([check_gist(each), *(one.text for one in each.examples)]))
        for each in record.status.checks
    ]  # fmt: skip
