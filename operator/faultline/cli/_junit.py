"""A graded run as JUnit XML, for pipelines: a test for the verdict, one for each objective and each check."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from faultline.api.run import PASS_MARK
from faultline.report import RunRecord, check_gist
from faultline.report.text import expected, reasons, seen

Outcome = tuple[str, str, str]
"""Name of a test; `failure`, `error` or nothing; and the text that goes with it."""


def xml(records: Sequence[RunRecord]) -> bytes:
    """A test suite for each run.

    An objective that lost points is a failure only where the run failed: the pass mark leaves room for some. A run
    without a verdict is an error, and says nothing of its objectives.
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
    failed = "failure" if record.status.verdict == "fail" else ""
    found = []
    for each in record.status.objectives:
        text = f"expected {expected(each)}, seen {seen(each)}; {each.points:.3g} of {each.weight:.3g} points"
        found.append(
            (each.name, "" if each.met else failed, text if each.met else f"{text}\n{each.reason}\n{each.query}")
        )
    return found


def _checks(record: RunRecord) -> list[Outcome]:
    return [
        (f"{each.name} ({each.check})", "failure" if each.result == "violated" else "",
         "\n".join([check_gist(each), *(one.text for one in each.examples)]))
        for each in record.status.checks
    ]  # fmt: skip
