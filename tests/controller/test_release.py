import pytest
from tests.controller.conftest import deployment, release

from faultline.clients.kube import path
from faultline.controller.release import Release
from faultline.errors import NotReady

LAB, HARNESS = "lab-shop", "harness-shop"
WEB, EDGES = path("Deployment", "web", LAB), path("Deployment", "edges", HARNESS)


@pytest.fixture
async def installed(api):
    """As FakeHelm installs it: `web` with one replica in the lab, `edges` in the harness."""
    for name, namespace in (("web", LAB), ("edges", HARNESS)):
        api.put("Deployment", deployment(name), namespace)
    api.put("Secret", release(LAB, HARNESS), HARNESS)
    return await Release.of(api, "shop")


def pod(name, *owners):
    return {"metadata": {"name": name, "ownerReferences": [{"kind": kind, "name": owner} for kind, owner in owners]}}


async def test_what_was_raised_by_hand_is_as_it_was_installed(api, installed):
    more = {"containers": [{"name": "app", "resources": {"limits": {"cpu": "4"}}}]}
    api.objects[WEB]["spec"] = {"replicas": 9, "template": {"metadata": {"annotations": {"own": "1"}}, "spec": more}}
    await installed.renew("r1")
    assert api.objects[WEB]["spec"] == {
        "replicas": 1,
        "template": {"metadata": {"annotations": {"faultline.dev/run": "r1"}}},
    }
    assert api.objects[WEB]["metadata"]["labels"] == {"faultline.dev/part": "app"}


async def test_the_harness_is_put_back_before_the_reset_and_the_app_with_its_fresh_pods(api, installed):
    api.objects[WEB]["spec"] = api.objects[EDGES]["spec"] = {"replicas": 9}
    await installed.put_back()
    assert (api.objects[EDGES]["spec"], api.objects[WEB]["spec"]) == ({"replicas": 1}, {"replicas": 9})


async def test_what_the_api_server_counts_as_a_change_was_one(api, installed, monkeypatch):
    assert not await installed.put_back()
    original = api.replace

    async def counted(where, body):
        body["metadata"]["generation"] += 1
        return await original(where, body)

    monkeypatch.setattr(api, "replace", counted)
    assert await installed.put_back()


async def test_a_service_keeps_its_address(api, installed):
    api.put("Secret", release(LAB, HARNESS, version=2, service={"selector": {"app": "web"}}), HARNESS)
    api.put(
        "Service", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "mine"}, "clusterIP": "10.0.0.1"}}, LAB
    )
    await (await Release.of(api, "shop")).put_back()
    assert api.objects[path("Service", "web", LAB)]["spec"] == {"selector": {"app": "web"}, "clusterIP": "10.0.0.1"}


async def test_the_newest_release_counts(api, installed):
    for version in (9, 10):
        api.put("Secret", release(LAB, HARNESS, version=version, replicas=version), HARNESS)
    await (await Release.of(api, "shop")).renew("r1")
    assert api.objects[WEB]["spec"]["replicas"] == 10


@pytest.mark.parametrize(
    ("owners", "strange"),
    [
        ([], True),
        ([("ReplicaSet", "web-5d4f9")], False),
        ([("StatefulSet", "web")], False),
        ([("ReplicaSet", "web-faster-5d4f9")], True),
        ([("StatefulSet", "other")], True),
        ([("Job", "web")], True),
    ],
)
async def test_pods_that_nothing_installed_has_made_are_strangers(api, installed, owners, strange):
    api.put("Pod", pod("one", *owners), LAB)
    assert await installed.strangers() == (["one"] if strange else [])


async def test_a_lab_that_was_uninstalled_is_said_to_be(api):
    with pytest.raises(NotReady, match="FL326: nothing is installed in the lab shop"):
        await Release.of(api, "shop")


async def test_what_was_deleted_by_hand_is_named(api, installed):
    await api.delete(WEB)
    with pytest.raises(NotReady, match="FL326: Deployment web of the lab shop is gone"):
        await installed.renew("r1")
