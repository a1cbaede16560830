"""The kubernetes and flux probes against a stand-in of the API server.

A real control plane was not run here. The stand-in answers the paths of the API with lists whose objects have the fields that
https://kubernetes.io/docs/reference/kubernetes-api/ and https://fluxcd.io/flux/components/ describe, and it checks the token.
"""

import asyncio
import copy
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from oso_dagster.domain.probes.cluster import Head, heads_wrong, span_of
from oso_dagster.domain.probes.declaration import FluxProbe, KubernetesProbe
from oso_dagster.probes.kubernetes import FluxChecker, KubernetesChecker

pytestmark = pytest.mark.server

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE = timedelta(minutes=1)
TOKEN = "a token of the test"
RBAC = Path(__file__).parents[2] / "k8s" / "base" / "foundation" / "probes.yaml"
NODES, PODS, DEPLOYED = "/api/v1/nodes", "/api/v1/namespaces/oso/pods", "/apis/apps/v1/namespaces/oso/deployments"
CONTROLLERS = "/apis/apps/v1/namespaces/flux-system/deployments"
SOURCES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"


def ago(span):
    return (NOW - span).isoformat().replace("+00:00", "Z")


def condition(kind, status="True", message=""):
    return {"type": kind, "status": status, "reason": "Because", "message": message, "lastTransitionTime": ago(MINUTE)}


def made(name, namespace="oso", **more):
    return {"metadata": {"name": name, "namespace": namespace, "generation": 3, "creationTimestamp": ago(60 * MINUTE)}} | more


def well():
    """A cluster in which all is well."""
    ready = {"conditions": [condition("Ready")], "observedGeneration": 3}
    revision = "main@sha1:abc"
    return {
        NODES: [made("node-1", "", status={"conditions": [condition("DiskPressure", "False"), condition("Ready")]})],
        DEPLOYED: [made("web", spec={"replicas": 2}, status={"conditions": [condition("Available")]})],
        PODS: [made("web-1", status={"phase": "Running", "containerStatuses": [{"name": "web", "state": {"running": {}}}]})],
        CONTROLLERS: [made("kustomize-controller", "flux-system", status={"conditions": [condition("Available")]})],
        SOURCES: [made("oso", "flux-system", spec={"interval": "1m"}, status=ready | {"artifact": {"revision": revision}})],
        KUSTOMIZATIONS: [
            made(
                "apps",
                "flux-system",
                spec={"interval": "10m", "sourceRef": {"kind": "GitRepository", "name": "oso"}},
                status=ready | {"lastAppliedRevision": revision, "history": [{"lastReconciled": ago(5 * MINUTE)}]},
            )
        ],
    }


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        objects, status = self.server.objects, 200
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, body = 401, b"Unauthorized"
        elif self.path == "/readyz":
            status, body = (200, b"ok") if self.server.ready else (500, b"[-]etcd failed")
        elif self.path in objects:
            body = json.dumps({"kind": "List", "metadata": {"resourceVersion": "7"}, "items": objects[self.path]}).encode()
        else:
            status, body = 404, b"404 page not found"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture
def api(server, tmp_path):
    server.objects, server.ready = copy.deepcopy(well()), True
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return server


def cause(api, kind, tmp_path, **declared):
    probe, checker, more = {
        "kubernetes": (KubernetesProbe, KubernetesChecker, {"objective": "kubernetes.availability", "namespaces": ("oso",)}),
        "flux": (FluxProbe, FluxChecker, {"objective": "kubernetes.flux_availability"}),
    }[kind]
    place = {"url": f"http://127.0.0.1:{api.server_address[1]}", "token_file": str(tmp_path / "token")}
    return asyncio.run(checker(probe(name="cluster", **(place | more | declared))).check(NOW)).cause


@pytest.mark.parametrize("kind", ["kubernetes", "flux"])
def test_a_cluster_in_which_all_is_well_is_good(api, tmp_path, kind):
    assert cause(api, kind, tmp_path) == ""


def change(path, **values):
    """Change fields of the first object of a list, by their path with `__`."""

    def _change(objects):
        for where, value in values.items():
            *way, last = where.split("__")
            inner = objects[path][0]
            for step in way:
                inner = inner[step]
            inner[last] = value

    return _change


CRASHING = {"name": "web", "restartCount": 9, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
NOT_READY = [condition("Ready", "False", "it rains")]


@pytest.mark.parametrize(
    ("kind", "broken", "says"),
    [
        ("kubernetes", change(NODES, status__conditions=NOT_READY), "node node-1 is not ready: it rains"),
        ("kubernetes", lambda objects: objects[NODES].clear(), "there is no node"),
        ("kubernetes", change(DEPLOYED, status={}), "deployment oso/web is not available"),
        ("kubernetes", change(PODS, status={"phase": "Pending"}), "pod oso/web-1 is pending since"),
        (
            "kubernetes",
            change(PODS, status__containerStatuses=[CRASHING]),
            "pod oso/web-1: web: CrashLoopBackOff, 9 restarts",
        ),
        ("flux", change(CONTROLLERS, status={}), "deployment flux-system/kustomize-controller is not available"),
        ("flux", lambda objects: objects[CONTROLLERS].clear(), "there is no controller in flux-system"),
        ("flux", change(SOURCES, status__conditions=NOT_READY), "source flux-system/oso is not ready: it rains"),
        ("flux", change(KUSTOMIZATIONS, status__conditions=NOT_READY), "kustomization flux-system/apps is not ready: it rains"),
        ("flux", change(KUSTOMIZATIONS, metadata__generation=4), "its newest definition is not reconciled"),
        ("flux", change(KUSTOMIZATIONS, status__history=[{"lastReconciled": ago(21 * MINUTE)}]), "and is to be every 0:10:00"),
        ("flux", change(SOURCES, status__artifact={"revision": "main@sha1:def"}), "and its source is at main@sha1:def"),
        ("flux", lambda objects: objects[KUSTOMIZATIONS].clear(), "there is no kustomization"),
    ],
)
def test_each_fault_is_named(api, tmp_path, kind, broken, says):
    broken(api.objects)
    assert says in cause(api, kind, tmp_path)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("kubernetes", change(DEPLOYED, spec__replicas=0, status={})),
        ("kubernetes", change(PODS, metadata__creationTimestamp=ago(4 * MINUTE), status__phase="Pending")),
        ("flux", change(KUSTOMIZATIONS, spec__suspend=True, status={})),
        ("flux", change(KUSTOMIZATIONS, status__history=[{"lastReconciled": ago(19 * MINUTE)}])),
    ],
)
def test_what_is_wanted_so_is_no_fault(api, tmp_path, kind, changed):
    changed(api.objects)
    if kind == "flux" and "suspend" in api.objects[KUSTOMIZATIONS][0]["spec"]:
        api.objects[KUSTOMIZATIONS].append(well()[KUSTOMIZATIONS][0] | {"metadata": made("more", "flux-system")["metadata"]})
    assert cause(api, kind, tmp_path) == ""


def test_an_api_server_that_is_not_ready_or_away_or_refuses_us_is_named_and_the_token_is_not(api, tmp_path):
    api.ready = False
    assert cause(api, "kubernetes", tmp_path) == "/readyz: status 500"
    (tmp_path / "token").write_text("an old token")
    refused = cause(api, "flux", tmp_path)
    assert refused == f"{CONTROLLERS}: status 401"
    assert "connection" in cause(api, "kubernetes", tmp_path, url="http://127.0.0.1:1")
    assert cause(api, "kubernetes", tmp_path, token_file="/no/such/token") == "/no/such/token: No such file or directory"
    del api.objects[CONTROLLERS]
    (tmp_path / "token").write_text(TOKEN)
    assert cause(api, "flux", tmp_path) == f"{CONTROLLERS}: status 404"


def test_the_rights_in_k8s_read_lists_of_what_is_asked_for_and_nothing_else():
    roles = [document for document in yaml.safe_load_all(RBAC.read_text()) if document["kind"] in {"Role", "ClusterRole"}]
    rules = [rule for role in roles for rule in role["rules"] if "resources" in rule]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list"}
    asked = {path.rpartition("/")[2] for path in (NODES, PODS, DEPLOYED, SOURCES, KUSTOMIZATIONS)}
    assert {resource for rule in rules for resource in rule["resources"]} == asked


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600), ("1h0m0s", 3600), ("1.5s", 1.5), ("500ms", 0.5)])
def test_spans_are_read_as_kubernetes_writes_them(text, seconds):
    assert span_of(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10 minutes"])
def test_another_span_is_refused(text):
    with pytest.raises(ValueError, match="no span of time"):
        span_of(text)


def test_a_source_that_lags_behind_its_branch_is_wrong_after_two_of_its_intervals_and_not_before():
    source = made("oso", "flux-system", spec={"interval": "5m"}, status={"artifact": {"revision": "main@sha1:old"}})
    heads = {"flux-system/oso": Head("new", NOW), "flux-system/gone": Head("", NOW)}
    assert list(heads_wrong([source], heads, NOW + 10 * MINUTE)) == ["there is no source flux-system/gone"]
    [behind, _] = heads_wrong([source], heads, NOW + 11 * MINUTE)
    assert behind.startswith("source flux-system/oso is at main@sha1:old, and its branch is at new since")
    there = made("oso", "flux-system", spec={"interval": "5m"}, status={"artifact": {"revision": "main@sha1:new"}})
    assert list(heads_wrong([there], {"flux-system/oso": heads["flux-system/oso"]}, NOW + 60 * MINUTE)) == []


@pytest.mark.parametrize("reference", [{"tag": "v1"}, {"semver": ">=1"}, {"branch": "main", "commit": "abc"}])
def test_a_source_that_follows_no_branch_is_not_asked_for_one(api, tmp_path, reference):
    change(SOURCES, spec__ref=reference, spec__url="https://host.example/oso")(api.objects)
    assert "follows no branch" in cause(api, "flux", tmp_path, heads_of=("flux-system/oso",))


def test_a_repository_that_needs_a_password_or_is_away_is_named_and_the_password_is_not(api, tmp_path):
    change(SOURCES, spec__url="https://who:hunter2@host.example/oso")(api.objects)
    words = cause(api, "flux", tmp_path, heads_of=("flux-system/oso",))
    assert "without a password" in words
    assert "hunter2" not in words
    change(SOURCES, spec__url="http://127.0.0.1:1/oso.git")(api.objects)
    assert "source flux-system/oso: http://127.0.0.1:1/oso.git: " in cause(api, "flux", tmp_path, heads_of=("flux-system/oso",))


def test_a_name_without_its_namespace_is_refused():
    with pytest.raises(ValueError, match="namespace/name"):
        FluxProbe(name="flux", objective="kubernetes.flux_availability", url="https://host.example", heads_of=("oso",))
