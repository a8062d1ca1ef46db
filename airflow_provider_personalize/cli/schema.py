"""``schema``: propose an Avro schema for a CSV."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from airflow_provider_personalize.cli.commands import WRONG
from airflow_provider_personalize.data.inference import propose_schema


def run(asked: argparse.Namespace) -> int:
    """Print the schema for a file, and return the exit status."""
    dataset_type, domain = asked.dataset_type.upper(), asked.domain and asked.domain.upper()
    try:
        with Path(asked.file).open(encoding="utf-8-sig", newline=None) as file:
            schema, notes = propose_schema(file, dataset_type, domain, sample_rows=asked.sample_rows)
    except OSError as error:
        print(f"{asked.file} cannot be read: {error.strerror}", file=sys.stderr)
        return WRONG
    except UnicodeDecodeError as error:
        wrong = f"it is not UTF-8 ({error.reason}, 0x{error.object[error.start]:02x})"
        print(f"No schema fits {asked.file}: {wrong}; save it as UTF-8.", file=sys.stderr)
        return WRONG
    except ValueError as error:
        print(f"No schema fits {asked.file}: {error}.", file=sys.stderr)
        return WRONG
    print(json.dumps(schema, indent=2, ensure_ascii=False))
    for note in notes:
        print(note, file=sys.stderr)
    return 0
