"""`python -m faultline.measures` writes docs/measures.md; a test fails when it is stale."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from faultline.measures import MEASURES
from faultline.measures.base import Context, Disturbance, Measure

PAGE = Path(__file__).parents[3] / "docs" / "measures.md"
HEAD = """# Measures

What an objective can measure. Each gives one number for a finished run, by one PromQL query at its end; the file of a
measure is `operator/faultline/measures/NAME.py`, and adding one is adding such a file. This page is generated from
them: `python -m faultline.measures`.

In a scenario an objective names one measure with its parameters:

```yaml
objectives:
  - name: the rest of the site stays up
    weight: 20
    required: true
    availability: {op: browse, phases: [fault]}
    target: 0.98     # full points from here on
    worst: 0.8       # none from here on, linear in between
    reason: the principle that a lost point violates
```

No data, several series where one was meant, or a value that is no number: the objective has no value, and the run
cannot pass. In the queries below the run is `RUN` of the scenario `NAME`, with one fault on `checkout->payments`.
"""

EXAMPLE = Context(
    run="RUN",
    scenario="NAME",
    lab_namespace="lab-NAME",
    harness_namespace="harness-NAME",
    windows={"baseline": (100, 110), "fault": (110, 140), "recovery": (140, 155), "drain": (155, 159)},
    end=162,
    faults=[Disturbance(name="slow", edge="checkout->payments", start=115, end=130)],
)
PARAMETERS: dict[str, dict[str, object]] = {
    "backend_share": {"service": "checkout"},
    "load_imbalance": {"service": "checkout"},
    "promql": {
        "query": 'sum(rate(faultline_dependency_requests_total{namespace="$lab"}$range))',
        "unit": "attempts/s",
        "direction": "lower",
    },
    "queue_age": {"queue": "jobs"},
    "queue_depth": {"queue": "jobs"},
    "retry_amplification": {"dependency": "payments", "op": "checkout"},
}
"""For measures that have parameters without a default."""


def page() -> str:
    """The content of docs/measures.md."""
    return HEAD + "".join(_section(name, measure) for name, measure in sorted(MEASURES.items()))


def _section(name: str, measure: type[Measure]) -> str:
    scaled = ", target and worst scaled by the canary up to the objective's `cap`" if measure.scaled else ""
    direction = f"{measure.better} is better" if measure.better else "which way is better is stated"
    rows = "".join(_row(each, info) for each, info in measure.model_fields.items())
    query = measure.model_validate(PARAMETERS.get(name, {})).query(EXAMPLE)
    return (
        f"\n## {name}\n\nUnit: {measure.unit}; {direction}{scaled}.\n\n{inspect.getdoc(measure)}\n\n"
        f"| parameter | default | |\n|---|---|---|\n{rows}\n```promql\n{query}\n```\n"
    )


def _row(name: str, info: FieldInfo) -> str:
    default = "required" if info.is_required() else _shown(info.get_default(call_default_factory=True))
    return f"| `{info.alias or name}` | {default} | {info.description or ''} |\n"


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"`[{', '.join(value)}]`" if isinstance(value, list) else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
