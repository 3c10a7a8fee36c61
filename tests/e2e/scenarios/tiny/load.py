"""Visitors, one after another."""

from __future__ import annotations

from loadgen import ArrivalUser, task


class Visitor(ArrivalUser):
    @task
    def visit(self):
        self.call("visit", "GET", "/visits")
