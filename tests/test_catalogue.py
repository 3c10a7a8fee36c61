import base64
import hashlib
from pathlib import Path

import pytest

from faultline import catalogue
from faultline.catalogue import CodeVersion
from faultline.errors import Conflict, InvalidInput, NotFound


class Cluster:
    """Objects by path, and what was asked of it."""

    def __init__(self):
        self.objects = {}
        self.calls = []

    def get(self, where):
        return self.objects.get(where)

    def create(self, where, body):
        self.calls.append(("create", body["metadata"]["name"]))
        full = f"{where}/{body['metadata']['name']}"
        if full in self.objects:
            raise Conflict("FL404", "taken")
        self.objects[full] = body
        return body

    def patch(self, where, body):
        self.calls.append(("patch", where.rsplit("/", 1)[-1]))
        data = {**self.objects[where]["data"], **body["data"]}
        self.objects[where]["data"] = {key: value for key, value in data.items() if value is not None}
        return self.objects[where]


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "shop"
    for path, text in {
        "scenario.yaml": "kind: Scenario",
        "load.py": "LOAD",
        "seed.sql": "SEED",
        "app/web/main.py": "flawed",
        "app/shared.py": "same",
        "solution/web/main.py": "right",
        "solution/README.md": "why",
        "wrong/longer/web/main.py": "wrong",
        "wrong/longer/wrong.yaml": "reason: x",
    }.items():
        file = made / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return made


def test_finds_folders_and_variants(folder):
    assert catalogue.folders(folder.parent) == [folder]
    assert catalogue.variants(folder) == ["flawed", "solution", "wrong/longer"]


def test_a_variant_is_laid_over_the_flawed_app_without_what_explains_it(folder):
    assert catalogue.version(folder, "solution").files == {"web/main.py": "right", "shared.py": "same"}
    assert catalogue.version(folder, "wrong/longer").files == {"web/main.py": "wrong", "shared.py": "same"}


def put(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


@pytest.mark.parametrize("variant", ["wrong/longer", "solution-b"])
def test_a_variant_is_laid_over_the_solution_that_it_names(folder, variant):
    put(folder, "solution/new.py", "added")
    put(folder, f"{variant}/web/main.py", "its own")
    put(folder, f"{variant}/variant.yaml", "over: solution")
    code = catalogue.version(folder, variant)
    assert code.variant == variant
    assert code.files == {"web/main.py": "its own", "shared.py": "same", "new.py": "added"}
    assert catalogue.own_files(folder, variant) == {"web/main.py": "its own"}


def test_what_a_variant_is_made_of_is_not_told_by_its_digest(folder):
    put(folder, "solution/new.py", "added")
    put(folder, "wrong/copied/web/main.py", "right")
    put(folder, "wrong/copied/new.py", "wrong")
    put(folder, "wrong/laid/new.py", "wrong")
    put(folder, "wrong/laid/variant.yaml", "over: solution")
    assert catalogue.version(folder, "wrong/laid").digest == catalogue.version(folder, "wrong/copied").digest


@pytest.mark.parametrize("over", ["solution-c", "wrong/longer", "wrong/other", "flawed", "solution-b", "[solution]"])
def test_over_is_another_solution_that_is_laid_over_app(folder, over):
    put(folder, "wrong/other/web/main.py", "wrong")
    put(folder, "solution-b/variant.yaml", "over: solution")
    put(folder, "wrong/longer/variant.yaml", f"over: {over}")
    with pytest.raises(InvalidInput, match="must be another solution, laid over app/ itself, got") as caught:
        catalogue.version(folder, "wrong/longer")
    assert caught.value.code == "FL126"
    assert caught.value.next_step == "one of: solution; or remove the file, to lay wrong/longer over app/"


def test_a_solution_is_not_laid_over_itself(folder):
    put(folder, "solution/variant.yaml", "over: solution")
    with pytest.raises(InvalidInput, match=r"solution: over must be another solution, .* got solution\n") as caught:
        catalogue.version(folder, "solution")
    assert caught.value.next_step == "one of: none; or remove the file, to lay solution over app/"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("over: [", "variant.yaml of wrong/longer is not YAML: "),
        ("", "variant.yaml of wrong/longer must have over alone, got None"),
        ("over: solution\nbase: app", "variant.yaml of wrong/longer must have over alone, got over, base"),
    ],
)
def test_a_variant_file_has_over_alone(folder, text, said):
    put(folder, "wrong/longer/variant.yaml", text)
    with pytest.raises(InvalidInput) as caught:
        catalogue.version(folder, "wrong/longer")
    assert caught.value.code == "FL126"
    assert caught.value.message.startswith(said)


def test_an_unknown_variant_says_which_there_are(folder):
    with pytest.raises(NotFound, match="shop has no solution-b") as caught:
        catalogue.version(folder, "solution-b")
    assert caught.value.next_step == "it has flawed, solution, wrong/longer"


LINE = "- {name: careful, file: web/main.py, line: right, instead: careless, caught_by: answers}\n"


def test_the_solution_without_a_line_of_safety_is_a_variant(folder):
    put(folder, "safety.yaml", LINE)
    assert catalogue.variants(folder) == ["flawed", "solution", "wrong/longer", "without/careful"]
    assert catalogue.written(folder) == ["flawed", "solution", "wrong/longer"]
    code = catalogue.version(folder, "without/careful")
    assert (code.variant, code.files) == ("without/careful", {"web/main.py": "careless", "shared.py": "same"})
    with pytest.raises(NotFound, match="shop has no without/more") as caught:
        catalogue.version(folder, "without/more")
    assert caught.value.next_step == "it has flawed, solution, wrong/longer, without/careful"


def test_a_broken_safety_file_is_in_nobody_else_s_way(folder):
    put(folder, "safety.yaml", "- {")
    assert [catalogue.version(folder, each).variant for each in catalogue.written(folder)]
    with pytest.raises(InvalidInput, match=r"safety\.yaml is not YAML"):
        catalogue.variants(folder)


def test_no_line_of_safety_comes_into_the_cluster(folder):
    put(folder, "safety.yaml", LINE)
    cluster = Cluster()
    catalogue.publish_folder(cluster, folder)
    assert cluster.objects
    assert "careful" not in str(cluster.objects)
    assert "careless" not in str(cluster.objects)


def test_the_digest_is_of_paths_and_contents_in_any_order():
    one = CodeVersion("shop", "learner", {"a.py": "1", "b.py": "2"})
    assert one.digest == CodeVersion("shop", "flawed", {"b.py": "2", "a.py": "1"}).digest
    assert one.digest != CodeVersion("shop", "learner", {"a.py": "2", "b.py": "1"}).digest
    assert one.digest != CodeVersion("shop", "learner", {"a.py1": "", "b.py": "2"}).digest
    assert one.configmap == f"code-{one.digest[:12]}"


def test_the_configmap_carries_paths_as_keys_and_says_whose_it_is(folder):
    code = catalogue.version(folder)
    manifest = code.manifest()
    assert manifest["data"] == {"web..main.py": "flawed", "shared.py": "same"}
    assert manifest["immutable"] is True
    assert manifest["metadata"]["annotations"] == {
        "faultline.dev/variant": "flawed",
        "faultline.dev/digest": code.digest,
    }
    assert {catalogue.path_of(key) for key in manifest["data"]} == set(code.files)


@pytest.mark.parametrize("key", ["....etc..passwd", "..etc", "a....b", "a.."])
def test_a_key_that_leads_out_of_the_folder_is_refused(key):
    with pytest.raises(InvalidInput, match="is no path inside the code's folder"):
        catalogue.path_of(key)


def test_code_that_is_too_large_is_refused():
    code = CodeVersion("shop", "learner", {"a.py": "x" * 950_000})
    with pytest.raises(InvalidInput, match=r"the code of shop \(learner\) has 950000 bytes, at most 921600 fit"):
        code.manifest()


def test_publishing_writes_only_what_changed(folder):
    cluster = Cluster()
    assert catalogue.publish(cluster, folder.parent) == ["shop"]
    assert catalogue.publish(cluster, folder.parent) == []
    flawed = catalogue.version(folder).configmap
    assert cluster.calls == [("create", flawed), ("create", "catalogue-shop"), ("create", "lesson-shop")]
    entry = cluster.objects[f"{catalogue.CONFIGMAPS}/catalogue-shop"]
    assert entry["data"] == {"flawed": flawed, "load.py": "LOAD", "seed.sql": "SEED"}


def test_what_is_held_out_is_a_secret_of_which_the_entry_has_the_digest_only(folder):
    text = "choose: 1\nfaults: [surprise]\n"
    (folder / "heldout.yaml").write_text(text)
    cluster = Cluster()
    assert catalogue.publish(cluster, folder.parent) == ["shop"]
    assert catalogue.publish(cluster, folder.parent) == []
    secret = cluster.objects[f"{catalogue.SECRETS}/heldout-shop"]
    assert secret["kind"] == "Secret"
    assert base64.b64decode(secret["data"]["heldout.yaml"]).decode() == text
    entry = cluster.objects[f"{catalogue.CONFIGMAPS}/catalogue-shop"]
    assert entry["data"]["heldout"] == hashlib.sha256(text.encode()).hexdigest()
    open_to_all = [each for where, each in cluster.objects.items() if where.startswith(catalogue.CONFIGMAPS)]
    assert "surprise" not in str(open_to_all)


def test_what_is_held_out_is_there_before_the_entry_that_says_so(folder):
    (folder / "heldout.yaml").write_text("choose: 1")
    cluster = Cluster()
    catalogue.publish(cluster, folder.parent)
    names = [name for _, name in cluster.calls]
    assert names.index("heldout-shop") < names.index("catalogue-shop")


def test_a_changed_folder_is_refreshed_and_what_is_gone_goes(folder):
    cluster = Cluster()
    catalogue.publish(cluster, folder.parent)
    (folder / "app/shared.py").write_text("changed")
    (folder / "seed.sql").unlink()
    assert catalogue.publish(cluster, folder.parent) == ["shop"]
    entry = cluster.objects[f"{catalogue.CONFIGMAPS}/catalogue-shop"]
    assert entry["data"] == {"flawed": catalogue.version(folder).configmap, "load.py": "LOAD"}


def test_two_commands_that_publish_the_same_code_do_not_disturb_each_other(folder):
    cluster = Cluster()
    code = catalogue.version(folder)
    cluster.objects[f"{catalogue.CONFIGMAPS}/{code.configmap}"] = code.manifest()
    cluster.get = lambda where: None  # the other one writes between our look and our write
    assert catalogue.publish_code(cluster, code) is False


def test_a_folder_without_load_py_is_refused(folder):
    (folder / "load.py").unlink()
    with pytest.raises(NotFound, match=r"shop has no load\.py"):
        catalogue.entry(folder)
