"""Lines of safety are taken away from the solution one at a time, or it is said why that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultline import safety_lines
from faultline.errors import InvalidInput
from faultline.safety_lines import SafetyLine

FILES = {
    "web/main.py": """\
def answer():
    try:
        lock()
    except OSError:
        raise
    return 1
    lock()
""",
    "web/one.sql": "SELECT 1;\nSELECT 2;",
}


def line(**change: str) -> SafetyLine:
    return SafetyLine(**{"name": "it", "file": "web/main.py", "line": "return 1", "caught_by": "answers", **change})


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, FILES["web/main.py"].replace("    return 1\n", "")),
        ({"instead": "return 2"}, FILES["web/main.py"].replace("return 1", "return 2")),
        ({"line": "raise", "instead": "pass"}, FILES["web/main.py"].replace("        raise\n", "        pass\n")),
        ({"file": "web/one.sql", "line": "SELECT 2;"}, "SELECT 1;\n"),
        ({"file": "web/one.sql", "line": "SELECT 2;", "instead": "broken ("}, "SELECT 1;\nbroken ("),
    ],
)
def test_a_line_is_taken_away_and_nothing_else(change: dict[str, str], left: str) -> None:
    one = line(**change)
    assert safety_lines.taken_away(FILES, one) == {**FILES, one.file: left}


@pytest.mark.parametrize(
    ("change", "said", "step"),
    [
        ({"file": "web/no.py"}, "file must be in the solution, got web/no.py", "one of: web/main.py, web/one.sql"),
        (
            {"line": "return 3"},
            "line must be in web/main.py exactly once, and is there 0 times: return 3",
            "copy it from the file, or take another line",
        ),
        (
            {"line": "lock()"},
            "line must be in web/main.py exactly once, and is there 2 times: lock()",
            "copy it from the file, or take another line",
        ),
        (
            {"line": "raise"},
            "what is left must compile: web/main.py:5: expected an indented block after 'except' statement on line 4"
            "\n        return 1",
            "say with `instead` what stands in its place",
        ),
    ],
)
def test_a_line_that_cannot_be_taken_away(change: dict[str, str], said: str, step: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        safety_lines.taken_away(FILES, line(**change))
    assert (caught.value.code, caught.value.next_step) == ("FL127", step)
    assert caught.value.message.startswith(f"safety.yaml, it: {said}"[:100])


def test_a_solution_that_only_a_newer_python_knows_is_not_judged() -> None:
    newer = {"web/main.py": "type of the future = 1\nreturn 1\n"}
    assert safety_lines.taken_away(newer, line()) == {"web/main.py": "type of the future = 1\n"}


def test_an_objective_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"caught_by must be one of scenario\.yaml's objectives, got answers"):
        safety_lines.check_objective(line(), ["speed"])
    safety_lines.check_objective(line(), ["speed", "answers"])


GOOD = "- {name: it, file: a.py, line: one, caught_by: answers}\n"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("- {", "FL104", "safety.yaml is not YAML: "),
        ("", "FL105", "safety must be a valid list, got None"),
        ("[]", "FL105", "safety list should have at least 1 item"),
        ("- {name: it, file: a.py, line: one}", "FL105", "safety[0].caught_by is required"),
        (GOOD.replace("}", ", why: x}"), "FL105", "safety[0].why is not a known field, got x"),
        (GOOD.replace("name: it", "name: It"), "FL105", "safety[0].name must match pattern"),
        (GOOD.replace("one", "' one'"), "FL105", "safety[0].line must be one line without the space around it"),
        (GOOD.replace("one", '"a\\nb"'), "FL105", "safety[0].line must be one line without the space around it"),
        (GOOD + GOOD.replace("one", "two"), "FL105", "safety must not have one name twice, got it"),
        (GOOD + GOOD.replace("it", "other"), "FL105", "safety must not have one line twice, got one of a.py"),
    ],
)
def test_a_file_that_breaks_a_rule(tmp_path: Path, text: str, code: str, said: str) -> None:
    (tmp_path / "safety.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        safety_lines.of_folder(tmp_path)
    assert (caught.value.code, caught.value.message[: len(said)]) == (code, said)


def test_a_folder_need_not_have_any(tmp_path: Path) -> None:
    assert safety_lines.of_folder(tmp_path) == []
