from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultline import sources, workspace
from faultline.errors import Conflict, InvalidInput, NotFound
from faultline.locks import locked


@pytest.fixture(autouse=True)
def _root(tmp_path, monkeypatch):
    monkeypatch.setenv("FAULTLINE_WORKSPACE", str(tmp_path / "workspace"))


@pytest.fixture
def app(tmp_path) -> Path:
    folder = tmp_path / "app"
    (folder / "gateway" / "__pycache__").mkdir(parents=True)
    (folder / "gateway" / "main.py").write_text("x = 1\n")
    (folder / "gateway" / "__pycache__" / "main.pyc").write_bytes(b"\x00\xff")
    return folder


def test_create_copies_the_app_without_caches(app):
    assert workspace.create("shop", app)
    assert workspace.read("shop") == {"gateway/main.py": "x = 1\n"}


def test_create_never_overwrites(app):
    workspace.create("shop", app)
    (workspace.folder("shop") / "gateway" / "main.py").write_text("x = 2\n")
    assert not workspace.create("shop", app)
    assert workspace.read("shop") == {"gateway/main.py": "x = 2\n"}


def test_create_leaves_nothing_half_made(app, monkeypatch):
    def copytree(source, target, **options):
        Path(target).mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workspace.shutil, "copytree", copytree)
    with pytest.raises(OSError, match="No space left"):
        workspace.create("shop", app)
    assert [each.name for each in workspace.root().iterdir() if each.name != ".lock"] == []


def test_commands_at_once_make_one_workspace(app):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: workspace.create("shop", app), range(8)))
    assert made.count(True) == 1
    assert workspace.read("shop") == {"gateway/main.py": "x = 1\n"}


def test_reset_keeps_a_backup_of_each_time(app):
    workspace.create("shop", app)
    backups = []
    for text in ("first", "second"):
        (workspace.folder("shop") / "gateway" / "main.py").write_text(text)
        backups.append(workspace.reset("shop", app))
    assert [(each / "gateway" / "main.py").read_text() for each in backups] == ["first", "second"]
    assert workspace.read("shop") == {"gateway/main.py": "x = 1\n"}


def test_reset_without_a_workspace_makes_one(app):
    assert workspace.reset("shop", app) is None
    assert workspace.read("shop") == {"gateway/main.py": "x = 1\n"}


def test_read_without_a_workspace_says_how_to_get_one():
    with pytest.raises(NotFound, match="there is no workspace for shop") as caught:
        workspace.read("shop")
    assert (caught.value.code, caught.value.next_step) == ("FL204", "make apply S=shop")


def test_a_name_that_no_configmap_key_can_have_is_refused(app):
    (app / "my file.py").write_text("")
    with pytest.raises(InvalidInput, match=r"my file\.py: names are letters"):
        sources.read_folder(app)


def test_a_name_with_two_dots_is_refused(app):
    (app / "a..b.py").write_text("")
    with pytest.raises(InvalidInput, match=r"a\.\.b\.py: names are letters"):
        sources.read_folder(app)


def test_a_binary_file_is_refused(app):
    (app / "picture.png").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"picture\.png is not UTF-8 text"):
        sources.read_folder(app)


def test_a_link_out_of_the_folder_is_refused(app, tmp_path):
    (tmp_path / "secret.py").write_text("key = 1")
    (app / "stolen.py").symlink_to(tmp_path / "secret.py")
    with pytest.raises(InvalidInput, match="is a link out of the workspace"):
        sources.read_folder(app)


def test_too_much_code_is_refused(app):
    (app / "large.py").write_text("#" * sources.CODE_LIMIT)
    with pytest.raises(InvalidInput, match="bytes of code, at most 921600 fit"):
        sources.read_folder(app)


def test_a_lock_held_too_long_is_a_conflict(tmp_path, monkeypatch):
    monkeypatch.setattr("faultline.locks.PATIENCE_SECONDS", 0.05)
    refused = pytest.raises(Conflict, match="another command has worked on it")
    with locked(tmp_path / ".lock", "it"), refused, locked(tmp_path / ".lock", "it"):
        pass


def test_difference_names_new_and_removed_files():
    files = workspace.difference({"a.py": "x = 1\n", "old.py": "y\n"}, {"a.py": "x = 2\n", "new.py": "z\n"})
    assert list(files) == ["a.py", "new.py", "old.py"]
    assert [each for lines in files.values() for each in lines if not each.startswith(("@", " "))] == [
        "--- a.py",
        "+++ a.py",
        "-x = 1",
        "+x = 2",
        "--- (new)",
        "+++ new.py",
        "+z",
        "--- old.py",
        "+++ (removed)",
        "-y",
    ]


@given(st.dictionaries(st.sampled_from(["a.py", "b/c.py", "d.sql"]), st.text(st.characters(codec="ascii"))))
def test_no_difference_with_itself(files):
    assert workspace.difference(files, dict(files)) == {}


def test_syntax_problem_names_file_line_and_source():
    problem = sources.syntax_problem({"a.sql": "select (", "b/main.py": "x = 1\ndef f(:\n"})
    assert problem is not None
    assert problem.startswith("b/main.py:2: ")
    assert problem.endswith("def f(:")


@given(st.text(max_size=200))
def test_syntax_check_survives_any_text(source):
    problem = sources.syntax_problem({"main.py": source})
    assert problem is None or problem.startswith("main.py")
