"""A Kubernetes without nodes as one process: etcd, API server, controllers, Flux. They end when it ends."""
# ruff: noqa: INP001, S310 - a script outside any package; what it opens is https

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.append(str(Path(__file__).resolve().parents[1]))

from background import ended, free_ports, supervised, write_endpoints
from programs import ClusterError, definitions, programs

_READY_SECONDS = 90
_CONTROLLERS = (
    "namespace-controller,garbage-collector-controller,job-controller,deployment-controller,replicaset-controller,"
    "statefulset-controller,serviceaccount-controller,serviceaccount-token-controller,endpoints-controller,"
    "endpointslice-controller,disruption-controller,resourcequota-controller,ttl-after-finished-controller,"
    "root-ca-certificate-publisher-controller,persistentvolumeclaim-protection-controller"
)
"""Those whose work shows without nodes: nothing here waits for a node that does not answer."""


class Cluster:
    """Its programs and its files below `folder`, and the processes that run."""

    def __init__(self, folder: Path, files: dict[str, Path], stack: ExitStack) -> None:
        self.folder, self.files, self._stack = folder, files, stack
        self.token = secrets.token_urlsafe(24)
        self.etcd, self.etcd_peer, self.api, self.controllers, *self.flux = free_ports(10)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.config = folder / "kubeconfig"

    @property
    def url(self) -> str:
        """The address of the API server."""
        return f"https://127.0.0.1:{self.api}"

    @property
    def authorities(self) -> Path:
        """What signs the certificate of the API server."""
        return self.folder / "certificates" / "apiserver.crt"

    def run(self, name: str, *options: str, **environment: str) -> None:
        """Start one of the programs."""
        command = [str(self.files[name]), *options]
        self.processes[name] = process = supervised(
            f"k8s-{name}", command, self.folder / f"{name}.log", cwd=self.folder, env=os.environ | environment
        )
        self._stack.callback(ended, process)

    def etcd_and_api(self) -> None:
        """The API server over etcd, with rights by RBAC, admission of pods by their namespace's level, and one administrator."""
        peer, client = f"http://127.0.0.1:{self.etcd_peer}", f"http://127.0.0.1:{self.etcd}"
        self.run(
            "etcd",
            "--name=only",
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=only={peer}",
            "--log-level=error",
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        signing = self._private("service-accounts.key")
        signing.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        tokens = self._private("tokens.csv")
        tokens.write_text(f'{self.token},administrator,administrator,"system:masters"\n')
        self.run(
            "kube-apiserver",
            f"--etcd-servers={client}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.api}",
            f"--cert-dir={self.authorities.parent}",
            f"--service-account-key-file={signing}",
            f"--service-account-signing-key-file={signing}",
            f"--service-account-issuer={self.url}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC,Node",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--enable-admission-plugins=ResourceQuota,LimitRanger,PodSecurity,ServiceAccount",
        )
        self._await_api()
        self.config.touch(mode=0o600)
        self.config.write_text(json.dumps(self._client()))

    def controllers_and_flux(self) -> None:
        """What makes pods of Jobs and Deployments, and what applies commits."""
        self.run(
            "kube-controller-manager",
            f"--kubeconfig={self.config}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.controllers}",
            "--leader-elect=false",
            f"--controllers={_CONTROLLERS}",
            f"--service-account-private-key-file={self.folder / 'service-accounts.key'}",
            f"--root-ca-file={self.authorities}",
            "--concurrent-gc-syncs=2",
            "--resource-quota-sync-period=5s",
        )
        for file in definitions():
            self.kubectl("apply", "--server-side", "-f", str(file))
        self.kubectl("create", "namespace", "flux-system")
        (self.folder / "artifacts").mkdir()
        storage, *ports = self.flux
        common = ("--enable-leader-election=false", "--log-level=info", "--events-addr=")
        shared = {"RUNTIME_NAMESPACE": "flux-system", "KUBECONFIG": str(self.config)}
        self.run(
            "source-controller",
            *common,
            f"--storage-path={self.folder / 'artifacts'}",
            f"--storage-addr=127.0.0.1:{storage}",
            f"--storage-adv-addr=127.0.0.1:{storage}",
            f"--metrics-addr=127.0.0.1:{ports[0]}",
            f"--health-addr=127.0.0.1:{ports[1]}",
            **shared,
        )
        self.run(
            "kustomize-controller",
            *common,
            "--requeue-dependency=1s",
            f"--metrics-addr=127.0.0.1:{ports[2]}",
            f"--health-addr=127.0.0.1:{ports[3]}",
            **shared,
        )

    def kubectl(self, *arguments: str) -> None:
        """Run kubectl as the administrator. Raises ClusterError."""
        command = [self.files["kubectl"], f"--kubeconfig={self.config}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()[-400:]}")

    def settings(self) -> dict[str, str]:
        """Where it is, and how to be its administrator."""
        own = {"url": self.url, "token": self.token, "authorities": str(self.authorities), "kubeconfig": str(self.config)}
        return own | {name: str(file) for name, file in self.files.items()}

    def _private(self, name: str) -> Path:
        file = self.folder / name
        file.touch(mode=0o600)
        return file

    def _client(self) -> dict[str, object]:
        """A configuration of kubectl's, in JSON, which it reads as it does YAML."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": str(self.authorities)}}],
            "users": [{"name": "administrator", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "administrator"}}],
        }

    def _await_api(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {self.token}"})
        while time.monotonic() < deadline and self.processes["kube-apiserver"].poll() is None:
            try:
                trusted = ssl.create_default_context(cafile=str(self.authorities))
                with urllib.request.urlopen(request, timeout=2, context=trusted):
                    return
            except OSError:
                time.sleep(0.2)
        log = self.folder / "kube-apiserver.log"
        words = "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
        raise ClusterError(f"the API server was not ready within {_READY_SECONDS} s; the end of {log}:\n{words}")


def say_since(begun: float) -> Callable[[str], None]:
    """What prints lines for the log that `up` shows, with the seconds since then."""
    return lambda text: print(f"{time.monotonic() - begun:5.1f} s  {text}", flush=True)  # noqa: T201


def serve(folder: Path) -> None:
    """Start all of them below `folder`, write down where they are, and stay until a signal to end comes."""
    begun, leave = time.monotonic(), threading.Event()
    files = programs(say_since(begun))  # a signal ends the building of programs at once
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leave.set())

    say = say_since(begun)
    shutil.rmtree(folder, ignore_errors=True)  # of one that was killed
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = Cluster(folder, files, stack)
        cluster.etcd_and_api()
        say(f"the API server is ready at {cluster.url}")
        cluster.controllers_and_flux()
        say("controllers and Flux have started")
        write_endpoints(folder, cluster.settings())
        say("ready")
        _stay(cluster, leave, say)


def _stay(cluster: Cluster, leave: threading.Event, say: Callable[[str], None]) -> None:
    while not leave.wait(1):
        for name, process in cluster.processes.items():
            if process.poll() is not None:
                say(f"{name} has ended by itself: see {cluster.folder / name}.log; ending the others")
                return


if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]))
    except ClusterError as problem:
        print(f"k8s: {problem}", flush=True)  # noqa: T201
        sys.exit(1)
