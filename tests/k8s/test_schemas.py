"""Every object of every overlay against the schema of its kind, by kubeconform and by the API server itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.k8s.conftest import Cluster

K8S = Path(__file__).parents[2] / "k8s"
_PARTS = ("foundation", "migrate", "platform")
STAGES = [f"overlays/{name}/{stage}" for name in ("production", "staging") for stage in _PARTS]
_MADE_ANEW = "overlays/staging/migrate"
"""A Job is not changed but made anew, which Flux does: there is production's in the cluster."""


@pytest.fixture(scope="session")
def schemas(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas of all kinds that the API server knows, as kubeconform reads them, strict: no field beside those described."""
    folder = tmp_path_factory.mktemp("schemas")
    definitions = json.loads(cluster.kubectl("get", "--raw", "/openapi/v2"))["definitions"]
    for definition in definitions.values():
        if "properties" in definition and not definition.get("x-kubernetes-preserve-unknown-fields"):
            definition["additionalProperties"] = False
    definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
    (folder / "definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            group = kind["group"].split(".")[0]
            place = folder / f"{kind['kind']}-{group + '-' if group else ''}{kind['version']}.json".lower()
            place.write_text(json.dumps({"$ref": f"definitions.json#/definitions/{name}"}))
    return folder


def objects(cluster: Cluster, place: str) -> str:
    return cluster.kubectl("kustomize", str(K8S / place))


def conforms(cluster: Cluster, schemas: Path, text: str) -> dict[str, Any]:
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command = [cluster.settings["kubeconform"], "-strict", "-summary", "-output", "json", "-schema-location", location, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("place", STAGES)
def test_every_object_is_as_its_kind_describes(cluster, schemas, place):
    report = conforms(cluster, schemas, objects(cluster, place))
    assert report.get("resources", []) == []
    assert report["summary"]["valid"] > 3
    assert report["summary"]["skipped"] == 0


@pytest.mark.parametrize("place", [place for place in STAGES if place != _MADE_ANEW])
def test_the_api_server_takes_every_object_without_a_warning(cluster, deployed, place):
    answer = cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-",
        given=objects(cluster, place), check=False,
    )  # fmt: skip
    assert [line for line in answer.splitlines() if "serverside-applied" not in line] == []


def test_a_field_that_no_kind_knows_is_refused_by_the_schemas(cluster, schemas):
    text = objects(cluster, "overlays/production/platform").replace("terminationGracePeriodSeconds", "terminationGracePeriod")
    report = conforms(cluster, schemas, text)
    assert any("terminationGracePeriod" in each["msg"] for each in report["resources"])
