"""What is removed, and above all what is not."""

from datetime import UTC, datetime, timedelta

from faultline.host.stale import Built, named_by_workloads, stale_in_engine, stale_on_node

LISTING = """\
REF TYPE DIGEST SIZE PLATFORMS LABELS
docker.io/faultline/operator:new application/x sha256:aa 1 linux/amd64 -
docker.io/faultline/operator:old application/x sha256:bb 1 linux/amd64 -
docker.io/faultline/redis:old application/x sha256:cc 1 linux/amd64 -
docker.io/faultline/redis:new application/x sha256:cc 1 linux/amd64 -
registry.k8s.io/etcd:3.6.5-0 application/x sha256:dd 1 linux/amd64 -
sha256:0001 application/x sha256:aa 1 linux/amd64 -
sha256:0002 application/x sha256:bb 1 linux/amd64 -
sha256:0003 application/x sha256:cc 1 linux/amd64 -
sha256:0004 application/x sha256:dd 1 linux/amd64 -
"""
NOW = datetime(2026, 1, 3, tzinfo=UTC)


def test_a_stale_image_goes_with_its_nameless_twin() -> None:
    keep = {"faultline/operator:new", "faultline/redis:old", "faultline/redis:new"}
    assert stale_on_node(LISTING, keep) == ["docker.io/faultline/operator:old", "sha256:0002"]


def test_a_stale_name_of_content_that_stays_goes_alone() -> None:
    keep = {"faultline/operator:new", "faultline/operator:old", "faultline/redis:new"}
    assert stale_on_node(LISTING, keep) == ["docker.io/faultline/redis:old"]


def test_images_of_kubernetes_stay() -> None:
    assert not [name for name in stale_on_node(LISTING, set()) if "etcd" in name or name == "sha256:0004"]


def test_what_a_workload_names_at_any_depth_is_found() -> None:
    cron = {"spec": {"jobTemplate": {"spec": {"containers": [{"image": "docker.io/faultline/operator:old"}]}}}}
    assert named_by_workloads({"items": [cron, {"spec": {"initContainers": [{"image": "x:1"}]}}]}) == {
        "faultline/operator:old",
        "x:1",
    }


def test_the_engine_keeps_what_is_wanted_and_the_last_day() -> None:
    day = timedelta(days=1)
    there = [Built("a", NOW - 3 * day), Built("b", NOW - 3 * day), Built("c", NOW - day / 2)]
    assert stale_in_engine(there, {"a"}, NOW) == ["b"]
