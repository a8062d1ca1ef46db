"""The command line: ``python -m airflow_provider_personalize.emulator``."""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

_PROGRAM: Final = "python -m airflow_provider_personalize.emulator"
_ABOUT: Final = """\
Amazon Personalize on your own machine, for Airflow DAGs, without an AWS account.

  run PATH       run a DAG file to its end, under the Airflow that is installed and against a local Personalize
  serve --port N serve that local Personalize to any client that takes an endpoint
  assumptions    list what it assumes about the service where AWS's documentation is silent
"""
_RUN: Final = """\
Run a DAG file to its end: a real Airflow in a temporary folder, and an emulator of Amazon Personalize and S3 that is
empty at first. Each change of a task's state is printed; a table at the end shows what each task sent to Personalize,
and the reason of each failure. If a task asks a person (Airflow 3.1 and newer), it has a web UI in which to answer.

The DAG cannot reach a real AWS account: it gets none of your AWS_* variables, neither ~/.aws/config nor
~/.aws/credentials, and every AWS connection in AIRFLOW_CONN_* leads to the emulator, in its own region. Without one,
the region is that of the ARNs in the file, else AWS_DEFAULT_REGION, else us-east-1. AIRFLOW_VAR_* and other
connections are kept; Airflow's configuration (AIRFLOW__*, airflow.cfg) and plugins are not.
"""
_RUN_END: Final = """\
exit status:
  0    every task succeeded, or was skipped in a run that succeeded
  1    a task failed, or the file could not be imported or has no DAG; the folder of the run is kept
  2    the options are invalid
  130  stopped by Ctrl-C

examples:
  %(prog)s dags/train.py
  %(prog)s dags/train.py --interactions interactions.csv --conf '{"name": "shop"}'
  %(prog)s dags/train.py --times 2 --worse-model 2
  %(prog)s dags/train.py --standalone
  %(prog)s dags/train.py --python ~/mwaa-2.10.3/bin/python
"""
_SERVE: Final = """\
Serve Amazon Personalize, S3 and the rest of moto at an address, until Ctrl-C. The first line printed is the URL.
When it ends, all resources are gone.
"""
_ASSUMPTIONS: Final = """\
Print two tables in Markdown: the open questions about Amazon Personalize with the answers that can be set (from
Python, or over HTTP while it is served), the default first; and how many seconds everything takes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        return int(asked.do(asked))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("airflow_provider_personalize"):
            raise
        print(f"There is no {error.name}: pip install 'airflow-provider-personalize[emulator]'", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=_ABOUT, formatter_class=text)
    commands = parser.add_subparsers(required=True, metavar="run|serve|assumptions", help="each has its own --help")
    _add_run(commands.add_parser("run", description=_RUN, epilog=_RUN_END, formatter_class=text))
    _add_serve(commands.add_parser("serve", description=_SERVE, formatter_class=text))
    commands.add_parser("assumptions", description=_ASSUMPTIONS, formatter_class=text).set_defaults(do=_assumptions)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "path",
        metavar="PATH",
        type=_file,
        help="the DAG file; its folder is the dags folder, but no other file in it is run",
    )
    add("--dag-id", metavar="ID", help="run only this DAG; by default, all DAGs in the file, one after the other")
    add("--times", metavar="N", type=_count, default=1,
        help="run it N times, one after the other, to see that a second run reuses what the first created")  # fmt: skip
    add("--interactions", metavar="CSV", type=_file, help='the same as --conf \'{"interactions": "<absolute path>"}\'')
    add("--conf", metavar="JSON", type=_json_object, default={}, help="the run's configuration: its params")
    add("--aws-conn-id", metavar="ID", action="append", default=["aws_default"], dest="aws_conn_ids",
        help="a connection that the DAG uses besides aws_default; repeatable")  # fmt: skip
    add("--fail", metavar="OPERATION=REASON", type=_failure, action="append", default=[], dest="failures",
        help='make what an operation starts fail: --fail UpdateSolution="no such event type"')  # fmt: skip
    add("--worse-model", metavar="N", type=_count, nargs="?", action="append", default=[], dest="worse_models",
        help="halve the metrics of the N-th version that is trained, to see a gate refuse it; of each, without N; "
        "repeatable")  # fmt: skip
    add("--broken-campaign", metavar="N", type=_count, nargs="?", action="append", default=[], dest="broken_campaigns",
        help="deploy the N-th version so that its campaign recommends nothing, to see a promotion roll it back; each, "
        "without N; the creation of a campaign counts; repeatable")  # fmt: skip
    _add_speed(parser)
    add(
        "--python",
        type=_program,
        default=sys.executable,
        help="an interpreter with another Airflow (default: this one)",
    )
    add("--standalone", action="store_true",
        help="run it in a complete Airflow with scheduler, triggerer and web UI, which stays up until Ctrl-C; "
        "by default, `airflow dags test` runs it, unless a task asks a person")  # fmt: skip
    add("--exit", action="store_true", help="with --standalone: end after the run")
    add("--keep", action="store_true", help="keep the folder of the run, with database and logs")
    add("--verbose", action="store_true", help="show Airflow's own output as well")
    parser.set_defaults(do=_run)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, required=True, help="where to listen; 0 takes a free port")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    _add_speed(parser)
    parser.set_defaults(do=_serve)


def _add_speed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--speed", metavar="N", type=_positive, default=60.0,
                        help="seconds that pass in Personalize per real second (default: %(default)g)")  # fmt: skip


def _run(asked: argparse.Namespace) -> int:
    from airflow_provider_personalize.emulator.cli.run import Options, run

    options = {name: value for name, value in vars(asked).items() if name not in {"do", "interactions"}}
    if asked.interactions:
        options["conf"] = asked.conf | {"interactions": str(asked.interactions)}
    return run(Options(**options))


def _assumptions(asked: argparse.Namespace) -> int:  # noqa: ARG001 - called like its neighbours
    from airflow_provider_personalize.emulator.control import assumption_docs

    print(assumption_docs.answers(), assumption_docs.durations(), sep="\n", end="")
    return 0


def _serve(asked: argparse.Namespace) -> int:
    from airflow_provider_personalize.emulator.cli.process import interruptible
    from airflow_provider_personalize.emulator.http.server import Server

    if taken := _why_not(asked.host, asked.port):
        print(f"Cannot listen at {asked.host}:{asked.port}: {taken}", file=sys.stderr)
        return 2
    try:
        with interruptible(), Server(asked.host, asked.port, asked.speed) as server:
            _introduce(server.url, asked.host)
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    return 0


def _introduce(url: str, host: str) -> None:
    if host not in {"127.0.0.1", "::1", "localhost"}:
        print(
            f"Warning: anyone who reaches {host} can use this; there is no authentication.", file=sys.stderr, flush=True
        )
    print(url)
    print(
        f"Use it with AWS_ENDPOINT_URL={url} and any AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION,"
    )
    print(f'or with {{"endpoint_url": "{url}"}} in the extra of an Airflow connection. Ctrl-C ends it.', flush=True)


def _why_not(host: str, port: int) -> str | None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        return str(getattr(error, "strerror", None) or error)
    return None


def _file(value: str) -> Path:
    if not (path := Path(value).expanduser().absolute()).is_file():
        raise argparse.ArgumentTypeError(f"there is no file {value}")
    return path


def _program(value: str) -> str:
    if (found := shutil.which(Path(value).expanduser())) is None:
        raise argparse.ArgumentTypeError(f"there is no program {value}")
    return str(Path(found).absolute())


def _json_object(value: str) -> dict[str, Any]:
    try:
        conf = json.loads(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(conf, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return conf


def _failure(text: str) -> tuple[str, str]:
    operation, _, reason = text.partition("=")
    if not operation.startswith(("Create", "Update")) or not reason:
        raise argparse.ArgumentTypeError(f"{text!r} is not OPERATION=REASON with a Create… or Update… operation")
    return operation, reason


def _count(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError("must be a number, 1 or more")
    return int(value)


def _positive(value: str) -> float:
    if not (number := float(value)) > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
