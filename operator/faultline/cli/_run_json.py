"""A run as programs get it: the Run's status and a little around it. `python -m` this writes docs/run.schema.json."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import ConfigDict, Field

from faultline.api.run import RunStatus
from faultline.cli._runs import RunView
from faultline.host.home import REPO

SCHEMA = REPO / "docs" / "run.schema.json"


class RunJson(RunStatus):
    """What `faultline grade` prints with `-o json`, and each of `runs` of `faultline chaos`. Times: Unix seconds."""

    # Verbs add what they did with it, such as the page that they wrote.
    model_config = ConfigDict(title="A graded run", extra="allow")

    run: str = Field(description="name of the Run object")
    scenario: str = Field(description="name of the Scenario object that it graded")
    run_seconds: float | None = Field(None, description="from start to score")


def as_json(run: RunView) -> dict[str, Any]:
    """A run for programs: the status as it stands, and the name."""
    found = RunJson(
        run=run.name, scenario=run.scenario, run_seconds=run.seconds, **run.status.model_dump(by_alias=True)
    )
    return found.model_dump(mode="json", by_alias=True)


def schema() -> str:
    """JSON Schema of it, draft 2020-12."""
    found = RunJson.model_json_schema(mode="serialization", by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **found}, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
    sys.exit(0)
