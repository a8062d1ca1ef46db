"""
How many descriptions a second the emulator answers over loopback: ``python tests/benchmarks/describe.py [solutions]``.

It wants 500 a second from one process with 10,000 solutions in it, and each to take as much memory as those before it;
it exits with 1 if it gets less, or if they take more.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPConnection
from multiprocessing import get_context

from airflow_provider_personalize.emulator import clock, quotas
from airflow_provider_personalize.emulator.http.models import personalize_backends
from airflow_provider_personalize.emulator.server import Server

WANTED = 500
GROWTH = 1.2  # how much more the last solutions may take than the first tenth of them
PREFIX = "arn:aws:personalize:us-east-1:123456789012:"
SCOPE = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/personalize/aws4_request, SignedHeaders=host, Signature=x"
HEADERS = {
    "X-Amz-Target": "AmazonPersonalize.DescribeSolution",
    "Authorization": SCOPE,
    "Content-Type": "application/x-amz-json-1.1",
}
CALLS = 2000
CLIENTS = 2


def fill(number: int) -> tuple[float, float]:
    """Make solutions without HTTP, and return the bytes that each takes of the first tenth, and of all after them."""
    backend = personalize_backends["123456789012"]["us-east-1"]
    quotas.set("solution", None)
    backend.answer("CreateDatasetGroup", {"name": "shop"})
    clock.advance(60)
    request = {
        "datasetGroupArn": f"{PREFIX}dataset-group/shop",
        "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2",
    }
    tenth = number // 10
    taken = []
    tracemalloc.start()
    for each in range(number):
        if each == tenth:
            taken.append(tracemalloc.get_traced_memory()[0])
        backend.answer("CreateSolution", {**request, "name": f"s{each}"})
    taken.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    clock.advance(60)
    return taken[0] / tenth, (taken[1] - taken[0]) / (number - tenth)


def describe(port: int, number: int) -> None:
    """Ask for descriptions over one connection, as cheaply as one can: it is the emulator that is measured."""
    connection = HTTPConnection("127.0.0.1", port)
    for each in range(CALLS):
        body = json.dumps({"solutionArn": f"{PREFIX}solution/s{each * 7919 % number}"})
        connection.request("POST", "/", body, HEADERS)
        answer = connection.getresponse()
        assert json.loads(answer.read())["solution"]["status"] == "ACTIVE", answer.status


def measure(url: str, number: int) -> tuple[float, float]:
    """
    Return how many descriptions a second two clients get that run in processes of their own.

    And how many it would be if the emulator had a core for itself: by the processor time that it takes.
    """
    port = int(url.rpartition(":")[2])
    with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(CLIENTS * 10)))  # the processes are up
        began, used = time.perf_counter(), time.process_time()
        list(pool.map(describe, [port] * CLIENTS, [number] * CLIENTS))
        calls = CLIENTS * CALLS
        return calls / (time.perf_counter() - began), calls / (time.process_time() - used)


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with Server() as server:
        clock.freeze()
        first, later = fill(number)
        rate, alone = measure(server.url, number)
    print(f"{number} solutions of {first:.0f} bytes each at first, {later:.0f} later")
    print(f"{rate:.0f} descriptions a second, {alone:.0f} by the processor time of the emulator")
    return 0 if rate >= WANTED and later <= GROWTH * first else 1


if __name__ == "__main__":
    sys.exit(main())
