"""Visitors, one after another."""

from __future__ import annotations

from loadgen import ArrivalUser, task

PAGES = 50


class Visitor(ArrivalUser):
    @task
    def visit(self):
        self.call("visit", "GET", "/visits", key=self.key(f"page-{self.random.randrange(PAGES)}", hot="home"))

    def abuse(self):
        """Lists everything, again and again."""
        self.call("list", "GET", "/pages")

    def poison(self):
        """A name that no page can have: Postgres takes no NUL in a text."""
        self.call("add", "PUT", "/pages/%00")
