"""Each rule of the standard, broken once in a folder that keeps all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faultline import scaffold
from faultline.lint import RULES, lint

REPO = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that keeps the standard."""
    made = scaffold.create(tmp_path_factory.mktemp("scenarios"), "slow-prices")
    assert lint(made) == []
    return made


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """The same, to be broken."""
    return shutil.copytree(whole, tmp_path / "scenarios" / whole.name)


@pytest.fixture
def broken(folder: Path) -> Callable[..., list[tuple[str, int, str, str]]]:
    """`broken(FILE, OLD, NEW)` puts NEW for OLD and says what the linter says; without OLD the file is NEW."""

    def mend(name: str, *change: str | None) -> list[tuple[str, int, str, str]]:
        path = folder / name
        match change:
            case (None,):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            case (str(new),):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(new)
            case (str(old), str(new)):
                text = path.read_text()
                assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
                path.write_text(text.replace(old, new))
        found = lint(folder)
        assert all(each.next_step and each.rule in {*RULES, "schema"} for each in found)
        return [(each.file, each.line, each.rule, each.message) for each in found]

    return mend


def line_of(folder: Path, name: str, text: str) -> int:
    return next(number for number, line in enumerate((folder / name).read_text().splitlines(), 1) if text in line)


Broken = Callable[..., list[tuple[str, int, str, str]]]


@pytest.mark.parametrize("name", ["SCENARIO.md", "HINTS.md", "DESIGN.md"])
def test_a_text_is_missing(broken: Broken, name: str) -> None:
    assert (name, 0, "structure", "the file is missing") in broken(name, None)


@pytest.mark.parametrize("name", ["SCENARIO.md", "HINTS.md", "DESIGN.md"])
def test_a_text_has_no_title(broken: Broken, folder: Path, name: str) -> None:
    title = (folder / name).read_text().splitlines()[0]
    assert broken(name, title, title.removeprefix("# ")) == [
        (name, 1, "structure", "must begin with one heading `# Title`")
    ]


def test_the_tier_is_not_said(broken: Broken) -> None:
    said = "must say its tier below the title, as in `*Crawling. What the reader is told, in a sentence.*`"
    assert broken("SCENARIO.md", "*Crawling. You", "*You") == [("SCENARIO.md", 3, "structure", said)]


def test_a_section_is_missing(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "## Reflect")
    assert broken("SCENARIO.md", "## Reflect", "## Think") == [
        ("SCENARIO.md", 0, "structure", "must have one heading `## Reflect`, has 0"),
        ("SCENARIO.md", line, "structure", "`## Think` is no part of a lesson; those are Read, Diagnose, Fix, Reflect, "
         "What breaks at 10x, 100x, 1000x, Stuck?"),
    ]  # fmt: skip


def test_a_section_is_there_twice(broken: Broken) -> None:
    found = broken("SCENARIO.md", "## Reflect\n", "## Reflect\n\nFirst.\n\n## Reflect\n")
    assert ("SCENARIO.md", 0, "structure", "must have one heading `## Reflect`, has 2") in found


def test_sections_are_out_of_order(broken: Broken, folder: Path) -> None:
    text = (folder / "SCENARIO.md").read_text()
    fix, reflect = text.index("## Fix"), text.index("## Reflect")
    moved = text[:fix] + text[reflect:] + "\n" + text[fix:reflect]
    found = broken("SCENARIO.md", moved)
    assert found == [
        ("SCENARIO.md", line_of(folder, "SCENARIO.md", "## Fix"), "structure", "`## Fix` must stand before `## Stuck?`")
    ]


def test_a_section_is_empty(broken: Broken, folder: Path) -> None:
    text = (folder / "SCENARIO.md").read_text()
    fix, reflect = text.index("## Fix\n") + len("## Fix\n"), text.index("## Reflect")
    found = broken("SCENARIO.md", text[:fix] + "\n" + text[reflect:])
    assert found == [("SCENARIO.md", line_of(folder, "SCENARIO.md", "## Fix"), "structure", "`## Fix` is empty")]


def test_a_factor_is_missing(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "## What breaks")
    ((name, at, rule, said),) = broken("SCENARIO.md", "| 100x: 3,000/s", "| more: 3,000/s")
    assert (name, at, rule) == ("SCENARIO.md", line, "structure")
    assert said == "the table must have a row that begins with 100x, got 10x: 300/s, more: 3,000/s, 1000x: 30,000/s"


def test_too_few_questions(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "## Reflect")
    found = broken("SCENARIO.md", "- What does your shop show after a restart, while prices is away?\n", "")
    assert found == [("SCENARIO.md", line, "structure", "must ask at least 3 questions, as items of a list, got 2")]


def test_too_little_advice(broken: Broken, folder: Path) -> None:
    text = (folder / "SCENARIO.md").read_text()
    ((name, line, rule, said),) = broken("SCENARIO.md", text[: text.index("| Pages fail with 503")])
    assert (name, line, rule) == ("SCENARIO.md", line_of(folder, "SCENARIO.md", "## Stuck?"), "structure")
    assert said.endswith("of at least 3 things that are seen and what each means, got 1")


def test_no_command_in_a_tier_that_shows_them(broken: Broken, folder: Path) -> None:
    text = (folder / "SCENARIO.md").read_text()
    start = text.index('```\neval "$')
    end = text.index("```", start + 3) + 3
    line = line_of(folder, "SCENARIO.md", "## Diagnose")
    found = broken("SCENARIO.md", text[:start] + text[end:])
    assert found == [("SCENARIO.md", line, "structure", "must have a block of commands in this tier")]


def test_no_before_and_after_in_a_tier_that_shows_them(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "## Diagnose")
    ((name, at, rule, said),) = broken("SCENARIO.md", "what it shows now", "what it shows")
    assert (name, at, rule) == ("SCENARIO.md", line, "structure")
    assert said == "must have a table of what is to be seen now and when you are done, in this tier"


def test_the_design_says_not_what_it_leaves_out(broken: Broken) -> None:
    assert broken("DESIGN.md", "**Left out, on purpose**", "Missing") == [
        ("DESIGN.md", 0, "structure", "must have a paragraph that begins with **Left out, on purpose**")
    ]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("../nowhere/SCENARIO.md", "leads to a file that is not there"),
        ("HINTS.md#rung-9", "names the heading #rung-9, which is not there"),
        ("#nothing", "names the heading #nothing, which is not there"),
        ("../../../../etc/hosts", "leads out of the checkout"),
        ("ftp://example.org/x", "must be relative, http or https, got ftp"),
        ("http:///x", "names no host"),
    ],
)
def test_a_link_leads_nowhere(broken: Broken, folder: Path, link: str, said: str) -> None:
    line = line_of(folder, "SCENARIO.md", "By the end your shop")
    found = broken("SCENARIO.md", "By the end your shop", f"By the\nend [your]({link}) shop")
    assert found == [("SCENARIO.md", line + 1, "links", f"the link {link} {said}")]


@pytest.mark.parametrize("link", ["HINTS.md#rung-2-where-to-look", "#diagnose", "https://example.org/x", "load.py"])
def test_a_good_link_is_none_of_our_business(broken: Broken, link: str) -> None:
    assert broken("SCENARIO.md", "By the end your shop", f"By the end [your]({link}) shop") == []


def test_a_picture_is_not_there(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "By the end your shop")
    found = broken("SCENARIO.md", "By the end your shop", "![The shop](shop.svg)\n\nBy the end your shop")
    assert found == [("SCENARIO.md", line, "links", "the link shop.svg leads to a file that is not there")]


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("<svg", 1, "is no SVG: unclosed token: line 1, column 0"),
        ("<svg/>", 1, "the outermost element must be svg with its namespace, got svg"),
    ],
)
def test_a_picture_is_no_picture(broken: Broken, folder: Path, source: str, line: int, said: str) -> None:
    (folder / "shop.svg").write_text(source)
    found = broken("SCENARIO.md", "By the end your shop", "![The shop](shop.svg)\n\nBy the end your shop")
    assert found == [("shop.svg", line, "diagrams", said)]


def test_a_picture_without_words(broken: Broken, folder: Path) -> None:
    (folder / "shop.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    line = line_of(folder, "SCENARIO.md", "By the end your shop")
    found = broken("SCENARIO.md", "By the end your shop", "![](shop.svg)\n\nBy the end your shop")
    assert found == [("SCENARIO.md", line, "diagrams", "the picture shop.svg has no words for those who do not see it")]


def test_too_few_diagrams(broken: Broken, folder: Path) -> None:
    text = (folder / "SCENARIO.md").read_text()
    start = text.index("```mermaid\nflowchart LR\n    accTitle: A fallback")
    end = text.index("```", start + 3) + 4
    assert broken("SCENARIO.md", text[:start] + text[end:]) == [
        ("SCENARIO.md", 0, "diagrams", "a lesson of the tier crawling has at least 3 diagrams, got 2"),
        ("SCENARIO.md", 0, "diagrams", "the concept 'fallback' of scenario.yaml has no diagram: no accTitle names it"),
    ]


def test_a_concept_is_not_drawn(broken: Broken) -> None:
    assert broken("scenario.yaml", "concepts: [time-out, fallback]", "concepts: [time-out, bulkhead, fallback]") == [
        ("SCENARIO.md", 0, "diagrams", "the concept 'bulkhead' of scenario.yaml has no diagram: no accTitle names it")
    ]


def test_a_diagram_is_of_no_known_kind(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "accTitle: A time-out ends") - 2
    ((name, at, rule, said),) = broken(
        "SCENARIO.md", "flowchart LR\n    accTitle: A time-out ends", "flowchrt LR\n    accTitle: A time-out ends"
    )
    assert (name, at, rule) == ("SCENARIO.md", line, "diagrams")
    assert said.startswith("the diagram must begin with its kind, one of flowchart, ")
    assert said.endswith("got flowchrt")


def test_a_diagram_has_no_title(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "accTitle: The lab") - 2
    found = broken("SCENARIO.md", "    accTitle: The lab, a shop that asks another service for prices\n", "")
    assert found == [("SCENARIO.md", line, "diagrams", "the diagram has no title for those who do not see it")]


def test_a_subgraph_has_no_end(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "accTitle: A time-out ends") - 2
    found = broken("SCENARIO.md", "    customer[", "    subgraph all\n    customer[")
    assert found == [("SCENARIO.md", line, "diagrams", "the diagram opens 1 subgraphs and ends 0")]


def test_an_edge_is_not_drawn(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "accTitle: The lab") - 2
    said = "the first diagram must name each edge of scenario.yaml, shop->prices is not in it"
    found = broken("SCENARIO.md", 'shop -->|"shop->prices"| prices', "shop --> prices")
    assert found == [("SCENARIO.md", line, "diagrams", said)]


HARD = (
    "Notwithstanding considerable organizational deliberation, contemporary infrastructure architectures "
    "systematically necessitate sophisticated availability considerations. "
)


def test_beginners_cannot_read_it(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "SCENARIO.md", "By the end your shop")
    ((name, at, rule, said),) = broken("SCENARIO.md", "By the end your shop", HARD * 20 + "Your shop")
    assert (name, at, rule) == ("SCENARIO.md", line, "reading")
    assert said.startswith("the reading level must be grade 6 or lower in this tier, got 2")


def test_a_sentence_has_no_end(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "HINTS.md", "Open `shop/main.py`")
    found = broken("HINTS.md", "Open `shop/main.py`", "Look at it and " * 14 + "open `shop/main.py`")
    ((name, at, rule, said),) = found
    assert (name, at, rule) == ("HINTS.md", line, "reading")
    assert said.startswith("a sentence may have 40 words in this tier, got 68: Look at it")


def test_a_condition_of_a_rung_is_no_prose(broken: Broken) -> None:
    condition = f"<!-- when: {'sum by (op) (rate(x[RUN])) + ' * 20} 1 -->\n"
    assert broken("HINTS.md", "Open `shop/main.py`", f"{condition}Open `shop/main.py`") == []


def test_rungs_are_misnumbered(broken: Broken) -> None:
    said = "HINTS.md: rung 2 must be `## Rung 2: title`, got 4"
    assert broken("HINTS.md", "## Rung 2: where", "## Rung 4: where") == [("HINTS.md", 0, "hints", said)]


def test_a_rung_too_few(broken: Broken, folder: Path) -> None:
    text = (folder / "HINTS.md").read_text()
    found = broken("HINTS.md", text[: text.index("## Rung 5")])
    assert found == [("HINTS.md", 0, "hints", "the tier crawling has 5 rungs, got 4")]


def test_the_tier_says_how_many_rungs(broken: Broken) -> None:
    found = broken("scenario.yaml", "tier: crawling", "tier: running")
    assert ("HINTS.md", 0, "hints", "the tier running has 3 rungs, got 5") in found


def test_a_rung_is_empty(broken: Broken, folder: Path) -> None:
    text = (folder / "HINTS.md").read_text()
    start, end = text.index("Open `shop/main.py`"), text.index("## Rung 3")
    line = line_of(folder, "HINTS.md", "## Rung 2")
    assert broken("HINTS.md", text[:start] + text[end:]) == [("HINTS.md", line, "hints", "rung 2 is empty")]


def test_two_rungs_have_one_title(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "HINTS.md", "## Rung 3")
    found = broken("HINTS.md", "## Rung 3: the concept", "## Rung 3: where to look")
    assert found == [("HINTS.md", line, "hints", "rung 3 has the title of an earlier one: where to look")]


def test_a_heading_is_no_rung(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "HINTS.md", "## Rung 3")
    ((name, at, rule, said),) = broken("HINTS.md", "## Rung 3: ", "## More\n\n## Rung 3: ")
    assert (name, at, rule) == ("HINTS.md", line, "hints")
    assert said == "`## More` is no rung, and would be shown as part of the one before"


def test_there_is_no_solution(broken: Broken) -> None:
    assert ("solution/", 0, "variants", "there is no reference solution") in broken("solution", None)


def test_a_solution_does_not_say_why(broken: Broken) -> None:
    assert broken("solution/README.md", None) == [("solution/README.md", 0, "variants", "the file is missing")]


def test_one_wrong_fix_is_too_few(broken: Broken) -> None:
    found = broken("wrong/patience", None)
    assert found == [("wrong/", 0, "variants", "there must be at least 2 wrong fixes, got 1")]


def test_a_wrong_fix_says_nothing(broken: Broken) -> None:
    name = "wrong/patience/wrong.yaml"
    assert broken(name, None) == [(name, 0, "variants", "the file is missing")]


def test_a_wrong_fix_names_no_objective_of_the_scenario(broken: Broken) -> None:
    name = "wrong/patience/wrong.yaml"
    found = broken(name, "objective: pages are shown while prices is slow", "objective: pages are nice")
    assert found == [(name, 1, "variants", "objective must be one of scenario.yaml's, got pages are nice")]


def test_a_wrong_fix_has_no_reason(broken: Broken) -> None:
    name = "wrong/patience/wrong.yaml"
    found = broken(name, "objective: pages are shown while prices is slow\nreason: ''\n")
    assert found == [(name, 2, "variants", "reason is empty")]


def test_a_wrong_fix_says_something_else(broken: Broken) -> None:
    name = "wrong/patience/wrong.yaml"
    said = "must have objective and reason, got objective"
    assert broken(name, "objective: pages are shown while prices is slow\n") == [(name, 1, "variants", said)]


def test_a_wrong_fix_is_no_yaml(broken: Broken) -> None:
    ((name, _, rule, said),) = broken("wrong/patience/wrong.yaml", "objective: [")
    assert (name, rule) == ("wrong/patience/wrong.yaml", "variants")
    assert said.startswith("is not YAML: ")


def test_a_file_does_not_differ(broken: Broken, folder: Path) -> None:
    same = (folder / "app/prices/main.py").read_text()
    found = broken("solution/prices/main.py", same)
    assert found == [("solution/prices/main.py", 0, "variants", "is the same as in app/")]


def test_a_file_does_not_differ_from_the_solution_below_it(broken: Broken, folder: Path) -> None:
    (folder / "wrong/patience/variant.yaml").write_text("over: solution\n")
    (folder / "solution/prices").mkdir()
    (folder / "solution/prices/main.py").write_text("# another\n")
    found = broken("wrong/patience/prices/main.py", "# another\n")
    assert found == [("wrong/patience/prices/main.py", 0, "variants", "is the same as in solution/")]


def test_a_wrong_fix_copies_the_solution(broken: Broken, folder: Path) -> None:
    (folder / "solution/prices").mkdir()
    (folder / "solution/prices/main.py").write_text("# another\n")
    found = broken("wrong/patience/prices/main.py", "# another\n")
    said = "needs 2 files over app/ and 1 over solution/"
    assert found == [("wrong/patience/variant.yaml", 0, "variants", said)]


def test_a_wrong_fix_copies_the_app_over_the_solution(broken: Broken, folder: Path) -> None:
    (folder / "solution/prices").mkdir()
    (folder / "solution/prices/main.py").write_text("# another\n")
    shutil.copytree(folder / "app/prices", folder / "wrong/patience/prices")
    (folder / "wrong/patience/prices/__init__.py").unlink()
    found = broken("wrong/patience/variant.yaml", "over: solution\n")
    said = "needs 2 files over solution/ and 1 over app/"
    assert found == [("wrong/patience/variant.yaml", 0, "variants", said)]


def test_what_a_solution_adds_cannot_be_taken_away(broken: Broken, folder: Path) -> None:
    (folder / "wrong/patience/prices").mkdir()
    (folder / "wrong/patience/prices/main.py").write_text("# another\n")
    (folder / "solution/prices").mkdir()
    (folder / "solution/prices/main.py").write_text("# another\n")
    assert broken("solution/prices/added.py", "# new\n") == []


def test_a_variant_is_over_none(broken: Broken) -> None:
    name = "wrong/patience/variant.yaml"
    said = "variant.yaml of wrong/patience: over must be another solution, laid over app/ itself, got app"
    assert broken(name, "over: app\n") == [(name, 0, "variants", said)]


def test_a_variant_has_no_file(broken: Broken, folder: Path) -> None:
    found = broken("wrong/patience/shop/main.py", None)
    assert found == [("wrong/patience/", 0, "variants", "has no file that differs from app/")]


def test_a_file_cannot_go_into_the_cluster(broken: Broken) -> None:
    ((name, _, rule, said),) = broken("app/shop/a file.py", "")
    assert (name, rule) == ("app/", "variants")
    assert "names are letters, digits, '.', '-' and '_'" in said


def test_it_is_named_like_another(broken: Broken) -> None:
    found = broken("scenario.yaml", "  slug: slow-prices", "  slug: slow")
    assert found == [("scenario.yaml", 0, "scenario", "spec.slug must be the folder's name slow-prices, got slow")]


def test_weights_do_not_add_up(broken: Broken) -> None:
    found = broken("scenario.yaml", "weight: 60", "weight: 50")
    said = "spec.objectives: the weights must add up to 100, got 90"
    assert found == [("scenario.yaml", 0, "scenario", said)]


def test_two_objectives_have_one_name(broken: Broken) -> None:
    change = ("name: pages are well soon after prices is back", "name: pages are shown while prices is slow")
    said = "spec.objectives: each needs a name of its own, got pages are shown while prices is slow twice"
    assert broken("scenario.yaml", *change) == [("scenario.yaml", 0, "scenario", said)]


def test_nothing_is_taught(broken: Broken) -> None:
    found = broken("scenario.yaml", "concepts: [time-out, fallback]", "concepts: []")
    assert found == [("scenario.yaml", 0, "scenario", "spec.concepts is empty")]


def test_there_is_no_load(broken: Broken) -> None:
    assert broken("load.py", None) == [("load.py", 0, "scenario", "is missing")]


@pytest.mark.parametrize(
    "text",
    ["make chaos S=circuit-breakers", "`workspace/circuit-breakers/`", "-n lab-circuit-breakers logs",
     "faultline hint circuit-breakers"],
)  # fmt: skip
def test_a_text_names_another_scenario(broken: Broken, folder: Path, text: str) -> None:
    line = line_of(folder, "SCENARIO.md", "By the end your shop")
    found = broken("SCENARIO.md", "By the end your shop", f"{text} By the end your shop")
    said = "names the scenario circuit-breakers, and this is slow-prices"
    assert found == [("SCENARIO.md", line, "names", said)]


@pytest.mark.parametrize("word", ["TODO", "MEASURED", "TBD"])
def test_something_is_left_to_be_written(broken: Broken, folder: Path, word: str) -> None:
    line = line_of(folder, "DESIGN.md", "**Teaches**")
    found = broken("DESIGN.md", "**Teaches**", f"**Teaches** {word}")
    assert found == [("DESIGN.md", line, "names", f"{word} is left")]


def test_a_file_that_is_named_is_in_no_variant(broken: Broken, folder: Path) -> None:
    line = line_of(folder, "HINTS.md", "Open `shop/main.py`")
    found = broken("HINTS.md", "Open `shop/main.py`", "Open `shop/pages.py`")
    assert found == [("HINTS.md", line, "names", "shop/pages.py is in no variant of the code")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("line: async def no(", "line must be in shop/main.py exactly once, and is there 0 times: async def no("),
        ("line: 'yield'\n  caught_by: nobody", "caught_by must be one of scenario.yaml's objectives, got nobody"),
    ],
)
def test_a_line_of_safety_is_none(broken: Broken, line: str, said: str) -> None:
    text = f"- name: bounded\n  file: shop/main.py\n  {line}\n"
    if "caught_by" not in line:
        text += "  caught_by: pages are shown while prices is slow\n"
    assert broken("safety.yaml", text) == [("safety.yaml", 1, "safety", f"safety.yaml, bounded: {said}")]


def test_lines_of_safety_cannot_be_read(broken: Broken) -> None:
    found = broken("safety.yaml", "- {name: bounded}\n")
    said = "safety[0].file is required\nsafety[0].line is required\nsafety[0].caught_by is required"
    assert found == [("safety.yaml", 0, "safety", said)]


HELD_OUT = """
faults:
  - {name: pipe-burst, at: 2s, for: 1s, edge: shop->prices, reset: {}}
  - {name: shop-dies, at: 2s, for: 1s, kill: {service: shop, pods: 1}}
"""


def held_out(found: list[tuple[str, int, str, str]]) -> list[tuple[str, int, str]]:
    """What the rule `heldout` says; a lesson of another tier breaks others as well."""
    return [(file, line, said) for file, line, rule, said in found if rule == "heldout"]


@pytest.fixture
def sprinting(broken: Broken) -> Broken:
    """`broken` for a folder of the last tier that holds faults out as it should."""
    broken("heldout.yaml", HELD_OUT)
    assert held_out(broken("scenario.yaml", "tier: crawling", "tier: sprinting")) == []
    return broken


def test_the_last_tier_holds_nothing_out(broken: Broken) -> None:
    found = held_out(broken("scenario.yaml", "tier: crawling", "tier: sprinting"))
    assert found == [("heldout.yaml", 0, "is missing, and the tier sprinting holds faults out")]


def test_another_tier_holds_faults_out(broken: Broken) -> None:
    said = "only the tier sprinting holds faults out, got crawling"
    assert broken("heldout.yaml", HELD_OUT) == [("heldout.yaml", 0, "heldout", said)]


def test_a_held_out_fault_does_not_fit(sprinting: Broken) -> None:
    said = "heldout.faults[0].edge must be one of client->shop, shop->prices, got shop->redis"
    assert held_out(sprinting("heldout.yaml", "shop->prices", "shop->redis")) == [("heldout.yaml", 0, said)]


@pytest.mark.parametrize("text", ["a pipe-burst", "A pipe burst"])
@pytest.mark.parametrize("name", ["SCENARIO.md", "HINTS.md"])
def test_a_text_names_a_held_out_fault(sprinting: Broken, folder: Path, name: str, text: str) -> None:
    (folder / name).write_text((folder / name).read_text() + f"\n{text}\n")
    line = line_of(folder, name, text)
    assert held_out(sprinting("DESIGN.md", "**Teaches**", "**Teaches** ")) == [
        (name, line, "names the held-out fault pipe-burst")
    ]


def test_what_breaks_the_schema_is_all_that_is_said(broken: Broken) -> None:
    ((name, line, rule, said),) = broken("scenario.yaml", "for: 9s", "for: 90s")
    assert (name, line, rule) == ("scenario.yaml", 0, "schema")
    assert "ends 91s after the start of the fault phase" in said


def test_every_rule_is_explained_to_authors() -> None:
    text = (REPO / "docs" / "writing-a-scenario.md").read_text()
    explained: list[Any] = [name for name in RULES if f"\n| `{name}` |" in text]
    assert explained == list(RULES)
