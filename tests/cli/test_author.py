"""`faultline lint` and `faultline new`, on folders of their own."""

from __future__ import annotations

import pytest

from faultline import catalogue
from faultline.lint import lint


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = tmp_path / "scenarios"
    found.mkdir()
    monkeypatch.setattr("faultline.cli._labs.scenarios_root", lambda: found)
    return found


def test_a_new_scenario_keeps_the_standard_and_has_what_verify_wants(run_json, root):
    code, answer = run_json("new", "late-letters", "--title", "Letters: late")
    assert (code, answer["slug"], answer["next"]) == (0, "late-letters", "make verify S=late-letters")
    assert "wrong/patience/wrong.yaml" in answer["files"]
    folder = root / "late-letters"
    assert lint(folder) == []
    assert catalogue.variants(folder) == ["flawed", "solution", "wrong/any-price", "wrong/patience"]
    assert "# Letters: late\n" in (folder / "SCENARIO.md").read_text()
    assert not [path for path in folder.rglob("*") if path.is_file() and "new-scenario" in path.read_text()]
    assert [each.name for each in root.iterdir()] == ["late-letters"]


def test_the_title_is_made_from_the_slug(run, root):
    assert run("new", "late-letters").exit_code == 0
    assert 'title: "Late letters"' in (root / "late-letters/scenario.yaml").read_text()


@pytest.mark.parametrize("slug", ["Late", "9lives", "a_b", "../up", "a" * 41, "ends-"])
def test_a_name_that_cannot_be_one_is_refused(run, root, slug):
    result = run("new", slug)
    assert result.exit_code == 2
    assert (
        f"FL124 SLUG must be at most 40 of a-z, 0-9 and dashes, and begin with a letter, got '{slug}'" in result.stderr
    )
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("title", ["", 'a "quoted" one', "two\nlines", "x" * 101])
def test_a_title_that_cannot_be_one_is_refused(run, root, title):
    result = run("new", "late-letters", "--title", title)
    assert result.exit_code == 2
    assert "FL124 --title must be one line of at most 100 characters" in result.stderr
    assert list(root.iterdir()) == []


def test_what_is_there_is_not_overwritten(run, root):
    (root / "late-letters").mkdir()
    result = run("new", "late-letters")
    assert result.exit_code == 2
    assert "FL409" in result.stderr
    assert list((root / "late-letters").iterdir()) == []


def test_lint_says_file_line_rule_and_what_to_do(run, run_json, root):
    assert run("new", "late-letters").exit_code == 0
    assert run("lint").exit_code == 0
    hints = root / "late-letters" / "HINTS.md"
    hints.write_text(hints.read_text().replace("Open `shop/main.py`", "TODO"))
    result = run("lint", "late-letters")
    assert result.exit_code == 1
    assert "scenarios/late-letters/HINTS.md:10: names: TODO is left" in result.stdout
    assert "next: write what belongs there, or remove it" in result.stdout
    code, answer = run_json("lint")
    assert code == 1
    assert answer["scenarios"] == ["late-letters"]
    ((problem),) = answer["problems"]
    assert (problem["file"], problem["line"], problem["rule"]) == ("HINTS.md", 10, "names")


def test_brief_speaks_to_people_and_programs(run, run_json, root):
    assert run("new", "late-letters").exit_code == 0
    said = run("brief", "late-letters").stdout
    assert "pages are shown while prices is slow" in said
    assert "faultline fix late-letters" in said
    assert "switched off" not in said
    code, answer = run_json("brief", "late-letters", "--opaque")
    assert code == 0
    assert answer["name"].startswith("case-")
    assert "late-letters" not in str(answer)
    assert run_json("brief", "late-letters", "--opaque")[1] == answer


def test_brief_names_a_store_that_is_switched_off(run, root):
    assert run("new", "late-letters").exit_code == 0
    scenario = root / "late-letters" / "scenario.yaml"
    scenario.write_text(scenario.read_text().replace("  app:\n", "  app:\n    rabbitmq: {replicas: 0}\n"))
    assert "  rabbitmq is switched off\n" in run("brief", "late-letters").stdout


def test_a_context_of_ones_own_has_a_kubeconfig(run, cluster):
    result = run("kubeconfig", "--context", "mine")
    assert result.exit_code == 2
    assert "FL125" in result.stderr
