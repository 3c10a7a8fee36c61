"""Records as they lie on disk."""

from __future__ import annotations

import json

import pytest

from faultline.errors import InvalidInput, NotFound
from faultline.report import read


def _write(folder, record, series=True):
    folder.mkdir()
    run = record.model_dump(mode="json", by_alias=True, include={"spec", "status"})
    (folder / "run.json").write_text(json.dumps(run | {"later": "versions may add fields"}))
    if series:
        (folder / "series.json").write_text(record.series.model_dump_json())


def test_what_was_written_is_read(tmp_path, record):
    _write(tmp_path / "run-7", record("run-7"))
    found = read(tmp_path / "run-7", title="Circuit breakers")
    assert found.folder == tmp_path / "run-7"
    assert found.model_copy(update={"folder": None}) == record("run-7")


def test_series_may_be_missing(tmp_path, record):
    _write(tmp_path / "run-7", record("run-7"), series=False)
    assert read(tmp_path / "run-7").series is None


def test_no_run(tmp_path):
    with pytest.raises(NotFound, match=r"has no run\.json"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"spec": {}}'])
def test_a_file_that_is_no_run(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InvalidInput, match="FL171"):
        read(tmp_path)
