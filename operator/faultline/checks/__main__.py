"""`python -m faultline.checks` writes docs/checks.md; a test fails when it is stale."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from faultline.checks import CHECKS
from faultline.checks.base import Check

PAGE = Path(__file__).parents[3] / "docs" / "checks.md"
HEAD = """# Checks

What an objective can demand of the history of a run: every request that the load generator sent, with what it asked
for, when it began and ended, and how it came out. The file of a check is `operator/faultline/checks/NAME.py`, and
adding one is adding such a file. This page is generated from them: `python -m faultline.checks`.

In a scenario an objective names one check with its parameters, and has neither target nor worst:

```yaml
objectives:
  - name: no acknowledged write is lost
    weight: 40
    required: true
    lost_writes: {writes: [put], reads: [get]}
    reason: the principle that a violation breaks
```

A check holds, is violated, or is undecided. It is violated only by a counter-example: a few operations that could not
have gone as they did if the property held; the smallest ones stand in the Run's status and on a time line in the
report. A counter-example stands even in a run that is inconclusive for another reason. A check is undecided where the
history has not what it takes, and such a run never passes.

## What load.py records

`self.call("put", "PUT", path, key="k1", value=7)` makes an operation with its key and value;
`result=lambda r: r.json()["value"]` gives what an answer says, which is what checks compare; `session=` names whose
request it is (else each arrival is a session), `site=` who answers, `token=` a fencing token.
`self.observe("deliver", key="room", result="m-17")` records something that came without a request of its own.

An operation is *ok*, *failed* or *unknown*. One that was refused (a status from 400 to 499) or never sent had no
effect. One without an answer, or with a status of 500 and more, may have had its effect at any time after it began, or
never. Checks say nothing about the order of operations that overlap.

After the drain, `final_reads` reads back what was written; `read_back` does so for each key, again where an answer
fails to come, and takes a 404 as nothing there:

```python
@classmethod
def final_reads(cls, client, history):
    client.read_back("get", history, writes=["put"], path=lambda key: f"/items/{key}",
                     result=lambda r: r.json()["value"])
```
"""


def page() -> str:
    """The content of docs/checks.md."""
    return HEAD + "".join(_section(name, check) for name, check in sorted(CHECKS.items()))


def _section(name: str, check: type[Check]) -> str:
    rows = "".join(_row(each, info) for each, info in check.model_fields.items())
    return (
        f"\n## {name}\n\n{inspect.getdoc(check)}\n\nCounts what it examined in {check.unit}.\n\n"
        f"| parameter | default | |\n|---|---|---|\n{rows}"
    )


def _row(name: str, info: FieldInfo) -> str:
    default = "required" if info.is_required() else _shown(info.get_default(call_default_factory=True))
    return f"| `{info.alias or name}` | {default} | {info.description or ''} |\n"


def _shown(value: object) -> str:
    if value in (None, []):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
