"""Carry out the steps of the Dockerfile beside this file in a folder, without Docker: `python k8s/image/steps.py FOLDER`.

The instructions that the file uses, one a line, with its argument ROOT set to the folder; FROM is the Python that runs this.
What stands below FOLDER/opt/oso afterwards is what the image holds there. An instruction that is not known here is an error.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]


class Build:
    """The state between two instructions: variables, the working folder, the user."""

    def __init__(self, root: Path) -> None:
        self.root, self.work = root, root
        self.variables = {"ROOT": str(root), "PYTHON": ".".join(map(str, sys.version_info[:2]))}
        self.first_stage = True

    def step(self, line: str) -> None:
        """Carry out one instruction. Raises CalledProcessError, OSError, ValueError."""
        name, _, rest = line.partition(" ")
        match name:
            case "ARG":
                self.variables.setdefault(rest.partition("=")[0], rest.partition("=")[2])
            case "FROM":
                self.first_stage = " AS " in rest
            case "ENV":
                self.variables[rest.partition("=")[0]] = self._filled(rest.partition("=")[2])
            case "WORKDIR":
                self.work = self.root / self._filled(rest).removeprefix(str(self.root)).lstrip("/")
                self.work.mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(shlex.split(rest))
            case "RUN" if rest.startswith("apt-get "):
                self._require_programs(rest)
            case "RUN":
                subprocess.run(["sh", "-c", rest], cwd=self.work, env=self._environment(), check=True)
            case "USER" | "CMD":
                pass  # of the container, which is not there
            case _:
                raise ValueError(f"{name} is no instruction that {Path(__file__).name} knows")

    def _require_programs(self, rest: str) -> None:
        """Packages of Debian are not installed here: their programs must be there. Raises ValueError."""
        wanted = rest.partition("--no-install-recommends ")[2].partition(" &&")[0].split()
        if missing := [name for name in wanted if shutil.which(name) is None]:
            raise ValueError(f"not on this machine, and in the image: {', '.join(missing)}")

    def _copy(self, words: list[str]) -> None:
        if words[0] == "--from=build":
            [source, target] = words[1:]
            if source != target or not (self.root / source.lstrip("/")).is_dir():
                raise ValueError(f"COPY --from=build {source} {target}: the stage before has made no {source}")
            return
        *sources, target = words
        for source in sources:
            here, there = TREE / source, self.work / target
            if here.is_dir():
                shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__", ".cache", "logs"), dirs_exist_ok=True)
            else:
                shutil.copy2(here, there)

    def _filled(self, text: str) -> str:
        for name, value in self.variables.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    def _environment(self) -> dict[str, str]:
        path = self.variables.get("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
        return kept | self.variables | {"PATH": path, "HOME": str(self.root)}


def main(folder: Path) -> int:
    """Build into `folder`, which is made; print each instruction with what it took."""
    folder.mkdir(parents=True, exist_ok=True)
    build = Build(folder.absolute())
    for text in (HERE / "Dockerfile").read_text().splitlines():
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        begun = time.monotonic()
        build.step(line)
        print(f"{time.monotonic() - begun:6.1f} s  {line[:100]}", flush=True)  # noqa: T201  (for people)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
