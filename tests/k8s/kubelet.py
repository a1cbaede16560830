"""A stand-in for the kubelet: one node, whose pods are said to run, or are run as processes of this machine.

What a kubelet reports of a pod is described at https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and, by field,
at https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (PodStatus). It binds pods: no scheduler runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

from kubernetes import client
from kubernetes.client.rest import ApiException

_EVERY_SECONDS = 0.2
_GONE = (404, 409)


class Kubelet:
    """A node called `node-1`.

    Pods of Jobs that are no runs of Dagster end well at once. Images in `cannot_pull` cannot be pulled. `execute` is asked for a
    process of a pod that is to run for real; where it gives none, the pod is said to run until somebody deletes it.
    """

    name = "node-1"

    def __init__(self, api: client.ApiClient, execute: Callable[[Any], Any] | None = None) -> None:
        self._core = client.CoreV1Api(api)
        self._execute = execute or (lambda _pod: None)
        self._stop, self.paused = threading.Event(), threading.Event()
        self.cannot_pull: set[str] = set()
        self.processes: dict[str, Any] = {}
        self.faults: list[str] = []
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        try:
            self._core.create_node({"metadata": {"name": self.name}})
        except ApiException as error:
            if error.status not in _GONE:
                raise
        self.ready(well=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        for process in self.processes.values():
            process.kill()

    def ready(self, *, well: bool) -> None:
        """Say of the node that it is ready, or not."""
        words = {"type": "Ready", "status": "True" if well else "False", "reason": "StandIn"}
        message = "all is well" if well else "the disk is full"
        now = _now()
        condition = words | {"message": message, "lastHeartbeatTime": now, "lastTransitionTime": now}
        self._core.patch_node_status(self.name, {"status": {"conditions": [condition]}})

    def _work(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            if self.paused.is_set():
                continue
            try:
                for pod in self._core.list_pod_for_all_namespaces().items:
                    self._tend(pod)
            except ApiException as error:
                if error.status not in _GONE:
                    self.faults.append(str(error))
            except Exception as error:  # noqa: BLE001  (the API server restarts in a test: the next turn asks again)
                self.faults.append(repr(error))

    def _tend(self, pod: Any) -> None:
        name, namespace = pod.metadata.name, pod.metadata.namespace
        if pod.metadata.deletion_timestamp is not None:
            if (process := self.processes.pop(pod.metadata.uid, None)) is not None:
                process.terminate()
                process.wait(30)
            self._core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)
        elif pod.spec.node_name is None:
            target = {"apiVersion": "v1", "kind": "Node", "name": self.name}
            binding = {"metadata": {"name": name, "namespace": namespace}, "target": target}
            self._core.create_namespaced_binding(namespace, binding, _preload_content=False)
        elif pod.status.phase == "Pending":
            self._begin(pod)
        elif (process := self.processes.get(pod.metadata.uid)) is not None and process.poll() is not None:
            code = self.processes.pop(pod.metadata.uid).returncode
            self._say(pod, "Succeeded" if code == 0 else "Failed", {"terminated": _ended(code)}, ready=False)

    def _begin(self, pod: Any) -> None:
        if any(container.image in self.cannot_pull for container in pod.spec.containers):
            waiting = {"reason": "ImagePullBackOff", "message": f"Back-off pulling image {pod.spec.containers[0].image}"}
            if pod.status.container_statuses is None:
                self._say(pod, "Pending", {"waiting": waiting}, ready=False)
            return
        process = self._execute(pod)
        if process is not None:
            self.processes[pod.metadata.uid] = process
        elif any(owner.kind == "Job" for owner in pod.metadata.owner_references or ()):
            self._say(pod, "Succeeded", {"terminated": _ended(0)}, ready=False)
            return
        self._say(pod, "Running", {"running": {"startedAt": _now()}}, ready=True)

    def _say(self, pod: Any, phase: str, state: dict[str, Any], *, ready: bool) -> None:
        now, word = _now(), "True" if ready else "False"
        kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        conditions = [
            {"type": kind, "status": "True" if kind in kinds[:2] else word, "lastTransitionTime": now} for kind in kinds
        ]
        containers = [
            {
                "name": container.name,
                "image": container.image,
                "imageID": container.image,
                "ready": ready,
                "started": ready,
                "restartCount": 0,
                "state": state,
            }
            for container in pod.spec.containers
        ]
        status = {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": containers,
            "startTime": now,
            "podIP": "127.0.0.1",
        }
        self._core.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, {"status": status})


def _ended(code: int) -> dict[str, Any]:
    now = _now()
    return {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": now, "finishedAt": now}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
