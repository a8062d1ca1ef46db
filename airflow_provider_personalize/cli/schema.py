"""``schema``: propose an Avro schema for a CSV."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from airflow_provider_personalize.data.inference import SAMPLE_ROWS, propose_schema
from airflow_provider_personalize.data.schemas import DATASET_TYPES, DOMAINS

_ABOUT: Final = """\
Propose an Avro schema for a CSV: from the names of its columns and a sample of its records. The schema goes to the
standard output, and what to know of it to the standard error. Read it before you use it: a sample does not tell what a
column means. docs/guides/schemas.md has the rules.
"""
_END: Final = """\
exit status:
  0  the schema is printed
  1  no schema fits the file
  2  the file cannot be read, or the options are invalid
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "schema",
        help="propose a schema for a CSV",
        description=_ABOUT,
        epilog=_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a CSV with a header")
    parser.add_argument(
        "--type", required=True, type=str.upper, choices=DATASET_TYPES, dest="dataset_type", help="of the dataset"
    )
    parser.add_argument("--domain", type=str.upper, choices=DOMAINS, help="of the dataset group, if it has one")
    parser.add_argument(
        "--sample-rows", type=int, default=SAMPLE_ROWS, help="how many records to read (default: %(default)s)"
    )
    parser.set_defaults(do=_run)


def _run(asked: argparse.Namespace) -> int:
    try:
        with asked.file.open(encoding="utf-8-sig", newline=None) as file:
            schema, notes = propose_schema(file, asked.dataset_type, asked.domain, sample_rows=asked.sample_rows)
    except OSError as error:
        print(f"{asked.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError as error:
        wrong = f"it is not UTF-8 ({error.reason}, 0x{error.object[error.start]:02x})"
        print(f"No schema fits {asked.file}: {wrong}; save it as UTF-8.", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"No schema fits {asked.file}: {error}.", file=sys.stderr)
        return 1
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    for note in notes:
        print(note, file=sys.stderr)
    return 0
