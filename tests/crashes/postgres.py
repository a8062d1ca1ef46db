"""
A PostgreSQL of its own, on a free port of this machine, in a folder that is thrown away.

``python tests/crashes/postgres.py`` tells whether one can be started here, and why not.
"""

from __future__ import annotations

import getpass
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_personalize.emulator.cli.airflow_home import free_port

DRIVERS = ("psycopg2", "asyncpg")


class NoPostgresError(Exception):
    """PostgreSQL is not installed, or does not start."""


class Postgres:
    """
    A server that can be stopped as by a power cut, and started again at the same port.

    :param folder: An existing folder that its user may enter.
    """

    def __init__(self, folder: Path) -> None:
        self._bin = _bin()
        # it refuses to run as root; Debian's package makes this user
        self._user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self._data, self._log = folder / "data", folder / "log"
        if os.geteuid() == 0:
            shutil.chown(folder, self._user)
        port = free_port()
        self._options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=200"
        self.url = f"postgresql+psycopg2://{self._user}@127.0.0.1:{port}/postgres"
        self.dsn = f"host=127.0.0.1 port={port} user={self._user} dbname=postgres connect_timeout=5"
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")

    def start(self) -> None:
        """Start it. When this returns, it answers."""
        self._run("pg_ctl", "start", "-w", "-l", str(self._log), "-o", self._options)

    def stop(self) -> None:
        """End it at once: what was not committed is lost, and every connection breaks."""
        self._run("pg_ctl", "stop", "-m", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        as_user = {"user": self._user, "group": self._user, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [self._bin / program, "-D", self._data, *arguments],
            cwd=self._data.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            **as_user,
        )
        if done.returncode:
            raise NoPostgresError(f"{program} failed: {done.stdout.strip()}")


def _bin() -> Path:
    """Find the server's programs, which Debian keeps out of the PATH."""
    if missing := [driver for driver in DRIVERS if importlib.util.find_spec(driver) is None]:
        raise NoPostgresError(f"there is no {' and no '.join(missing)}: pip install psycopg2-binary asyncpg")
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *map(Path, os.get_exec_path())]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NoPostgresError("there is no initdb: apt-get install postgresql")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run one while the ``with`` block runs."""
    # not where our temporary files are: its user may not enter there
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    try:
        with postgres():
            pass
    except (NoPostgresError, OSError, subprocess.SubprocessError) as why:
        sys.exit(str(why))
