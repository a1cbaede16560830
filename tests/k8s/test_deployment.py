"""What k8s/ describes, applied by Flux from a commit on the real API server: accepted, in order, pruned, rolled back."""

from __future__ import annotations

import json
import time

from tests.k8s.conftest import Cluster, until
from tests.k8s.stages import FLUX, ready

IMAGE = "k8s/overlays/production/image/kustomization.yaml"


def _image(cluster: Cluster) -> str:
    container = cluster.get("deployment", "code-location", "-n", "oso")["spec"]["template"]["spec"]["containers"][0]
    [runs] = [each["value"] for each in container["env"] if each["name"] == "DAGSTER_CURRENT_IMAGE"]
    assert runs == container["image"], "runs take the image of the code location"
    return str(container["image"])


def test_every_stage_is_applied_and_every_workload_runs_under_the_restricted_level(cluster, deployed):
    for namespace in ("oso", "oso-runs"):
        labels = cluster.get("namespace", namespace)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    workloads = cluster.get("deployments,statefulsets", "-n", "oso")["items"]
    names = {item["metadata"]["name"] for item in workloads}
    assert names == {"code-location", "dagster-daemon", "dagster-webserver", "probes", "trino-consumer", "trino-producer"}
    assert all(item["status"]["readyReplicas"] == item["spec"]["replicas"] for item in workloads)
    warned = [event for event in cluster.get("events", "-n", "oso")["items"] if event["reason"] == "FailedCreate"]
    assert warned == [], "a pod that admission refused"


def test_a_pod_that_asks_for_more_than_restricted_is_refused(cluster, deployed):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": "oso-runs"},
        "spec": {"containers": [{"name": "root", "image": "example.org/x:1"}]},
    }
    answer = cluster.kubectl("apply", "-f", "-", given=json.dumps(pod), check=False)
    assert 'violates PodSecurity "restricted:v1.34": allowPrivilegeEscalation != false' in answer


def test_the_stores_are_upgraded_before_the_services_are_rolled_out(cluster, deployed):
    def began(kind: str, name: str) -> str:
        return str(cluster.get(kind, name, "-n", "oso")["metadata"]["creationTimestamp"])

    job = cluster.get("job", "oso-migrate", "-n", "oso")
    assert job["status"]["succeeded"] == 1
    assert job["status"]["completionTime"] <= began("deployment", "code-location")


def test_a_new_tag_in_one_file_rolls_out_and_its_revert_rolls_back(cluster, deployed):
    before = _image(cluster)
    text = (deployed.tree / IMAGE).read_text()
    job = cluster.get("job", "oso-migrate", "-n", "oso")["metadata"]["uid"]
    commit = deployed.commit({IMAGE: text.replace("newTag: 0.1.0", "newTag: 0.2.0")})
    until(lambda: ready(cluster, "oso-platform", commit), "the new tag is rolled out", 120)
    assert _image(cluster) == before.replace(":0.1.0", ":0.2.0")
    assert cluster.get("job", "oso-migrate", "-n", "oso")["metadata"]["uid"] != job, "the upgrade ran for the new image"
    deployed.git("revert", "--no-edit", "HEAD")
    deployed.git("push", "-q", "origin", "main")
    commit = deployed.git("rev-parse", "HEAD").strip()
    until(lambda: ready(cluster, "oso-platform", commit), "the revert is rolled out", 120)
    assert _image(cluster) == before


def test_what_vanishes_from_git_is_removed_and_what_others_made_stays(cluster, deployed):
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "of-others", "namespace": "oso"}}
    cluster.apply(made)
    budgets = "k8s/base/foundation/network/budgets.yaml"
    text = (deployed.tree / budgets).read_text()
    kept = [part for part in text.split("---\n") if "name: trino-producer" not in part]
    commit = deployed.commit({budgets: "---\n".join(kept)})
    until(lambda: ready(cluster, "oso-foundation", commit), "the commit is applied", 120)
    names = {item["metadata"]["name"] for item in cluster.get("poddisruptionbudgets", "-n", "oso")["items"]}
    assert names == {"code-location", "trino-consumer"}
    assert cluster.get("configmap", "of-others", "-n", "oso")
    commit = deployed.commit({budgets: text})
    until(lambda: ready(cluster, "oso-foundation", commit), "it is back", 120)


def test_what_is_changed_by_hand_is_changed_back(cluster, deployed):
    cluster.kubectl("scale", "deployment", "dagster-daemon", "-n", "oso", "--replicas=3")
    cluster.kubectl("delete", "networkpolicy", "deny-all", "-n", "oso")
    for stage in ("oso-foundation", "oso-platform"):  # as `flux reconcile` asks; by itself every ten minutes
        now = f"reconcile.fluxcd.io/requestedAt={time.time()}"
        cluster.kubectl("annotate", "--overwrite", "kustomization.kustomize.toolkit.fluxcd.io", stage, "-n", FLUX, now)
    until(lambda: cluster.get("deployment", "dagster-daemon", "-n", "oso")["spec"]["replicas"] == 1, "one daemon again")
    until(lambda: cluster.kubectl("get", "networkpolicy", "deny-all", "-n", "oso", "-o", "name", check=False).strip()
          == "networkpolicy.networking.k8s.io/deny-all", "nothing is reached again")  # fmt: skip


def test_a_commit_that_the_api_refuses_leaves_what_runs_and_says_why(cluster, deployed):
    place = "k8s/base/platform/dagster/daemon.yaml"
    text = (deployed.tree / place).read_text()
    deployed.commit({place: text.replace("runAsNonRoot: true", "runAsNonRoot: perhaps")})

    def refused() -> str:
        status = cluster.get("kustomization.kustomize.toolkit.fluxcd.io", "oso-platform", "-n", FLUX)["status"]
        [ready] = [each for each in status["conditions"] if each["type"] == "Ready"]
        return str(ready["message"]) if ready["status"] == "False" and "runAsNonRoot" in ready["message"] else ""

    assert "Deployment/oso/dagster-daemon" in until(refused, "the stage says what is wrong", 120)
    assert cluster.get("deployment", "dagster-daemon", "-n", "oso")["status"]["readyReplicas"] == 1
    commit = deployed.commit({place: text})
    until(lambda: ready(cluster, "oso-platform", commit), "put right", 120)
