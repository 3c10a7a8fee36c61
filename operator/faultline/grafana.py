"""Grafana's view of a lab, made of the dashboard's own panels: `python -m faultline.grafana` writes the chart's files.

Those who have a Grafana import `charts/faultline/files/grafana/lab.json`, or let its sidecar find the ConfigMaps that
the chart's value `grafana.enabled` makes. The data source has a fixed uid, so that panels find it wherever it was made.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from faultline.panels import PANELS, Panel

DATASOURCE = "faultline-prometheus"
DASHBOARD = "faultline-lab"
FILE = Path(__file__).resolve().parents[2] / "charts/faultline/files/grafana/lab.json"
SCHEMA_VERSION = 39
"""Of Grafana 10.3 and later, which migrates it to its own."""
WIDTH, HEIGHT, COLUMNS = 12, 8, 2
_UNITS = {"s": "s", "ratio": "percentunit", "/s": "ops", "MiB": "mbytes"}
_SOURCE = {"type": "prometheus", "uid": DATASOURCE}


def dashboard() -> dict[str, Any]:
    """The dashboard's JSON model, with a variable for the lab and the faults as annotations."""
    return {
        "uid": DASHBOARD,
        "title": "Faultline: a lab",
        "tags": ["faultline"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-5m", "to": "now"},
        "timepicker": {"refresh_intervals": ["1s", "5s", "10s", "1m"]},
        "templating": {"list": [_variable()]},
        "annotations": {"list": [_faults()]},
        "panels": [_panel(place, each) for place, each in enumerate(PANELS)],
    }


def _variable() -> dict[str, Any]:
    query = 'label_values(faultline_edge_up{part="harness"}, scenario)'
    return {
        "name": "scenario",
        "label": "Lab",
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "scenario"},
        "refresh": 2,
        "sort": 1,
        "multi": False,
        "includeAll": False,
    }


def _faults() -> dict[str, Any]:
    return {
        "name": "Faults",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "orange",
        "expr": 'faultline_fault_active{namespace="harness-$scenario"} > 0',
        "step": "1s",
        "titleFormat": "{{fault}}",
        "textFormat": "{{type}} {{edge}}",
    }


def _panel(place: int, panel: Panel) -> dict[str, Any]:
    stacking = {"mode": "normal", "group": "A"} if panel.stacked else {"mode": "none", "group": "A"}
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": {"x": WIDTH * (place % COLUMNS), "y": HEIGHT * (place // COLUMNS), "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": _UNITS.get(panel.unit, "short"),
                "min": 0,
                **({"max": 1} if panel.unit == "ratio" else {}),
                "custom": {"lineWidth": 1, "fillOpacity": 60 if panel.stacked else 0, "showPoints": "never",
                           "stacking": stacking},
            },
            "overrides": [_over("offered")] if panel.stacked else [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": trace.query("lab-$scenario", "harness-$scenario"),
                "legendFormat": trace.label.replace("{", "{{").replace("}", "}}"),
                "interval": "1s",
            }
            for index, trace in enumerate(panel.traces)
        ],
    }  # fmt: skip


def _over(label: str) -> dict[str, Any]:
    """A line over the stack, not in it."""
    return {
        "matcher": {"id": "byName", "options": label},
        "properties": [
            {"id": "custom.stacking", "value": {"mode": "none", "group": "A"}},
            {"id": "custom.fillOpacity", "value": 0},
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 4]}},
        ],
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text())
