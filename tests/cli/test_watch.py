"""`faultline watch` on a real folder, with a cluster in memory."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from faultline import catalogue, workspace
from faultline.cli._watch import Watcher
from faultline.errors import NotReady
from faultline.names import ANNOTATION_CODE

SCENARIOS = "/apis/faultline.dev/v1alpha1/scenarios"
RUNS = "/apis/faultline.dev/v1alpha1/runs"
PODS = "/api/v1/namespaces/lab-shop/pods"
DEADLINE_SECONDS = 120.0


def until(what, true):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


@pytest.fixture
def shop(cluster, scenarios, lab):
    """A lab whose running pod takes all code at once, and a workspace."""
    flawed = catalogue.version(scenarios / "shop")
    lab(digest=flawed.digest, codeConfigMap=flawed.configmap)
    catalogue.publish_folder(cluster, scenarios / "shop")
    cluster.put(
        f"{PODS}/web-old",
        status={"conditions": [{"type": "Ready", "status": "True"}]},
    )
    cluster.objects[f"{PODS}/web-old"]["metadata"]["labels"] = {"app": "web", "faultline.dev/part": "app"}
    cluster.swaps["web-old"] = (200, {})
    workspace.create("shop", scenarios / "shop" / "app")
    return cluster


@pytest.fixture
def watch(run, monkeypatch):
    """`faultline watch` while `edits()` goes on beside it; Ctrl-C when it is through and what it did is told."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    looks = []
    look = Watcher.look

    def counted(watcher):
        look(watcher)
        looks.append(None)

    monkeypatch.setattr(Watcher, "look", counted)

    def call(edits, *options):
        failed = []

        def beside():
            try:
                until("the first look", lambda: looks)
                edits()
                through = len(looks)
                until("the next look", lambda: len(looks) > through)
            except BaseException as error:
                failed.append(error)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=beside)
        thread.start()
        result = run("watch", "shop", *options)
        thread.join()
        assert not failed, failed
        return result

    yield call
    signal.signal(signal.SIGINT, before)


def write(text):
    # At once: on a busy machine a look may come between the emptied file and the full one.
    fresh = Path(os.environ["FAULTLINE_HOME"]) / "web.py"
    fresh.write_text(text)
    fresh.replace(workspace.folder("shop") / "web.py")


def serves(cluster, text):
    """Whether the lab's Scenario names code with this text."""
    name = (cluster.objects[f"{SCENARIOS}/shop"]["metadata"].get("annotations") or {}).get(ANNOTATION_CODE)
    found = cluster.objects.get(f"{catalogue.CONFIGMAPS}/{name}") or {"data": {}}
    return found["data"].get("web.py") == text


def lines(result):
    return [json.loads(each) for each in result.stdout.splitlines() if each.startswith("{")]


def test_each_save_is_sent_and_ctrl_c_ends_it_cleanly(shop, watch):
    def edits():
        for text in ("app = 'first'\n", "app = 'second'\n"):
            write(text)
            until(text, lambda text=text: serves(shop, text))

    result = watch(edits)
    assert result.exit_code == 0
    assert "+app = 'second'" in result.stdout
    assert "after the save" in result.stdout
    assert "no longer watching" in result.stdout


def test_a_broken_save_is_shown_and_the_code_before_it_goes_on(shop, watch):
    def edits():
        write("app = 'good'\n")
        until("the good save", lambda: serves(shop, "app = 'good'\n"))
        shop.swaps["web-old"] = (422, {"traceback": "NameError: name 'y' is not defined"})
        write("app = y\n")
        until("the refusal", lambda: any(call[0] == "DELETE" for call in shop.calls))
        assert serves(shop, "app = 'good'\n")
        shop.swaps["web-old"] = (200, {})
        write("app = 'mended'\n")
        until("the mended save", lambda: serves(shop, "app = 'mended'\n"))

    result = watch(edits)
    assert result.exit_code == 0
    assert "FL117 web does not start with this code" in result.stderr
    assert "NameError: name 'y' is not defined" in result.stderr


def test_nothing_is_sent_while_a_run_is_under_way(shop, watch):
    def edits():
        assert serves(shop, "app = 'mine'\n")
        shop.put(f"{RUNS}/shop-1", spec={"scenario": "shop"}, status={"phase": "Fault"})
        write("app = 'later'\n")
        time.sleep(3)  # longer than it takes to look
        assert serves(shop, "app = 'mine'\n")
        shop.objects[f"{RUNS}/shop-1"]["status"]["phase"] = "Done"
        until("the save that was held back", lambda: serves(shop, "app = 'later'\n"))

    write("app = 'mine'\n")
    answers = lines(watch(edits, "-o", "json"))
    assert [each.get("held_by", each.get("changed")) for each in answers] == [True, "shop-1", True]


def test_what_editors_leave_behind_is_no_save(shop, watch):
    def edits():
        for name in (".web.py.swp", "web.py~"):
            (workspace.folder("shop") / name).write_text("x")
        (workspace.folder("shop") / "__pycache__").mkdir()
        write("app = 'mine'\n")
        until("the save", lambda: serves(shop, "app = 'mine'\n"))

    assert [each["changed"] for each in lines(watch(edits, "-o", "json"))] == [False, True]


def test_a_reset_is_a_save_too(shop, watch, scenarios):
    def edits():
        assert serves(shop, "app = 'mine'\n")
        workspace.reset("shop", scenarios / "shop" / "app")
        until("the reset", lambda: serves(shop, "app = 1\n"))
        write("app = 'again'\n")
        until("the save after it", lambda: serves(shop, "app = 'again'\n"))

    write("app = 'mine'\n")
    assert watch(edits).exit_code == 0


def test_a_cluster_that_is_away_is_tried_again(shop, watch, monkeypatch):
    items = shop.items
    away = threading.Event()
    tries = []

    def flaky(*args):
        if away.is_set():
            tries.append(None)
            raise NotReady("FL303", "the cluster does not answer", "make up")
        return items(*args)

    monkeypatch.setattr(shop, "items", flaky)

    def edits():
        assert serves(shop, "app = 'mine'\n")
        away.set()
        write("app = 'later'\n")
        until("two tries", lambda: len(tries) > 1)
        away.clear()
        until("another try", lambda: serves(shop, "app = 'later'\n"))

    write("app = 'mine'\n")
    result = watch(edits)
    assert result.exit_code == 0
    assert result.stderr.count("FL303 the cluster does not answer") == 1


def test_without_a_workspace_it_says_so(run, lab):
    lab()
    result = run("watch", "shop")
    assert result.exit_code == 2
    assert "FL204 there is no workspace for shop" in result.stderr
