"""How a difference is shown: a long file leaves the others their share, and each is counted."""

from faultline.cli import _show


def test_each_file_is_seen_and_counted(capsys):
    files = {
        "a.py": ["--- a.py", "+++ a.py", "@@ -1 +1 @@", "-x = 1", "+x = 2"],
        "long.py": ["--- long.py", "+++ long.py", *(f"+line {each}" for each in range(50))],
    }
    _show.difference(files, most=20)
    said = capsys.readouterr().out
    assert "+x = 2" in said
    assert "+line 12" in said
    assert "+line 13" not in said
    assert "… 37 more lines of difference in long.py" in said
    assert said.splitlines()[-2:] == ["  a.py  +1 -1", "  long.py  +50 -0"]


def test_nothing_changed_says_nothing(capsys):
    _show.difference({})
    assert capsys.readouterr().out == ""
