"""
What a check of data costs: ``python tests/benchmarks/checking.py [records]``.

Each way reads the same interactions, in a process of its own: time, CPU and the peak of memory, Python and its imports
included. It exits with 1 if a check of a million records takes more than 10 s of CPU or 200 MB.

* csv: the check of a CSV.
* quoted: the check of the same CSV with all values in quotation marks.
* wrong: the check of the same CSV with a wrong value in each record.
* parquet: the check of the same data as Parquet, by pyarrow.
* one by one: what reads and checks each record by itself, as the emulator's imports do; no totals, no duplicates.
* pyarrow: pyarrow's own reading of the CSV, piece by piece, with the types of the schema; it checks nothing else.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from airflow_provider_personalize.data import reading, rules
from airflow_provider_personalize.data.checking import Check
from airflow_provider_personalize.data.schemas import parse_schema

MOST_SECONDS, MOST_MB = 10, 200
TEXT = {"type": "string"}
FIELDS = [
    {"name": "USER_ID", **TEXT},
    {"name": "ITEM_ID", **TEXT},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "EVENT_TYPE", **TEXT},
    {"name": "EVENT_VALUE", "type": ["null", "float"]},
]
NAMES = [str(field["name"]) for field in FIELDS]
SCHEMA = parse_schema({"type": "record", "name": "Interactions", "fields": FIELDS})


def records(number: int) -> Iterator[list[str]]:
    draw = random.Random(1)
    for each in range(number):
        user, item = f"user-{draw.randrange(100_000)}", f"item-{draw.randrange(20_000)}"
        yield [
            user,
            item,
            str(1_700_000_000 + each),
            draw.choice(("view", "click", "buy")),
            f"{draw.random() * 99:.2f}",
        ]


def write(folder: Path, number: int) -> None:
    with (
        (folder / "csv").open("w") as plain,
        (folder / "quoted").open("w") as quoted,
        (folder / "wrong").open("w") as wrong,
    ):
        writer = csv.writer(quoted, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for file in (plain, quoted, wrong):
            file.write(",".join(NAMES) + "\n")
        for record in records(number):
            plain.write(",".join(record) + "\n")
            writer.writerow(record)
            wrong.write(",".join([*record[:2], f"{record[2]}000", *record[3:]]) + "\n")
    try:
        import pyarrow as pa
        from pyarrow import csv as reader
        from pyarrow import parquet
    except ImportError:
        return
    options = reader.ConvertOptions(column_types={"EVENT_VALUE": pa.float64()})
    parquet.write_table(reader.read_csv(folder / "csv", convert_options=options), folder / "parquet")


def fetch_from(path: Path) -> reading.Fetch:
    def fetch(start: int, end: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    return fetch


def check(path: Path, *, is_parquet: bool = False) -> None:
    checking = Check(str(path), SCHEMA.fields, SCHEMA.dataset_type, now=2_000_000_000)
    fetch, size = fetch_from(path), path.stat().st_size
    if is_parquet:
        opened = reading.open_parquet(fetch, size)
        checking.check_columns("a", opened.schema_arrow.names, reading.batches(opened))
    else:
        checking.check_csv("a", reading.blocks(fetch, size))
    report = checking.finish()
    assert (report.errors > 0) == (path.name == "wrong"), report.table()
    assert report.distinct["EVENT_TYPE"] == 3


def one_by_one(path: Path) -> None:
    with path.open() as file:
        checks = rules.Records(SCHEMA.fields, next(file).rstrip("\n").split(","), "INTERACTIONS", rules.Options())
        for line in file:
            checks.read(rules.split_record(line.rstrip("\n")))


def by_pyarrow(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv as reader

    types = dict(zip(NAMES, map(pa.type_for_alias, ("string", "string", "int64", "string", "float64")), strict=True))
    with reader.open_csv(path, convert_options=reader.ConvertOptions(column_types=types)) as batches:
        for _ in batches:
            pass


WAYS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "csv": ("csv", check),
    "quoted": ("quoted", check),
    "wrong": ("wrong", check),
    "parquet": ("parquet", lambda path: check(path, is_parquet=True)),
    "one by one": ("csv", one_by_one),
    "pyarrow": ("csv", by_pyarrow),
}


def measure(way: str, folder: Path) -> None:
    """Measure one way, in this process."""
    file, run = WAYS[way]
    began, used = time.perf_counter(), time.process_time()
    run(folder / file)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([time.perf_counter() - began, time.process_time() - used, peak]))


def main() -> int:
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
        return 0
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    is_slow = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, "-c", f"import checking; checking.write(checking.Path({name!r}), {number})"],
            cwd=Path(__file__).parent,
            check=True,
        )
        print(f"| {number:,} records | s | CPU s | peak MB | CPU, ratio to csv |\n|---|---|---|---|---|")
        first = None
        for way, (file, _) in WAYS.items():
            if not (folder / file).exists() or (way == "pyarrow" and not (folder / "parquet").exists()):
                continue
            done = subprocess.run([sys.executable, __file__, way, name], capture_output=True, text=True, check=True)
            wall, used, peak = json.loads(done.stdout)
            first = first or used
            print(f"| {way} | {wall:.1f} | {used:.1f} | {peak:.0f} | {used / first:.1f} |")
            is_slow = is_slow or (way == "csv" and (used > MOST_SECONDS or peak > MOST_MB))
    return int(is_slow)


if __name__ == "__main__":
    sys.exit(main())
