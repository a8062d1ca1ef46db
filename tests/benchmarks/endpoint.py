"""
A Personalize that knows one call, DescribeSolution, and answers it cheaply and 100 ms late, over TLS, to a thousand
connections: what ``waiting.py`` measures is its clients.

It writes its port, is told on standard input when the waits began, and at the end of that input writes what it saw. The
update of each solution turns ACTIVE at a random moment 20 to 40 seconds after the waits began.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from dataclasses import dataclass, field

LATENCY = 0.1
ACTIVE_AFTER = (20.0, 40.0)
CREATED = 1_800_000_000.0


@dataclass
class Solution:
    """
    What is remembered of one.

    :param after: Seconds from the begin of the waits until its update is ACTIVE.
    :param asked: When it was first asked for, in seconds since the epoch.
    """

    after: float
    asked: float = field(default_factory=time.time)
    calls: int = 0


class Service:
    """What was requested, and over how many connections."""

    def __init__(self, *, ends: bool) -> None:
        self.began = float("inf")
        self.solutions: dict[str, Solution] = {}
        self.connections = self.most_connections = self.made_connections = 0
        self._ends = ends

    def describe(self, arn: str) -> bytes:
        if arn not in self.solutions:
            self.solutions[arn] = Solution(random.Random(arn).uniform(*ACTIVE_AFTER))
        solution = self.solutions[arn]
        solution.calls += 1
        active = self._ends and time.time() >= self.began + solution.after
        update = {
            "status": "ACTIVE" if active else "CREATE IN_PROGRESS",
            "creationDateTime": CREATED,
            "lastUpdatedDateTime": CREATED,
            "performAutoTraining": True,
            "solutionUpdateConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}},
        }
        return json.dumps({"solution": {**_description(arn), "latestSolutionUpdate": update}}).encode()

    def connected(self, by: int) -> None:
        self.connections += by
        self.made_connections += max(0, by)
        self.most_connections = max(self.most_connections, self.connections)

    def report(self) -> dict[str, object]:
        return {
            "calls": sum(solution.calls for solution in self.solutions.values()),
            "sockets": self.most_connections,
            "sockets made": self.made_connections,
            "asked": {arn: solution.asked for arn, solution in self.solutions.items()},
            "active": {arn: self.began + solution.after for arn, solution in self.solutions.items()},
        }


def _description(arn: str) -> dict[str, object]:
    """Make as much as the service says of a solution."""
    return {
        "name": arn.rpartition("/")[2],
        "solutionArn": arn,
        "performHPO": False,
        "performAutoML": False,
        "performAutoTraining": True,
        "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2",
        "datasetGroupArn": arn.rpartition(":")[0] + ":dataset-group/shop",
        "solutionConfig": {
            "algorithmHyperParameters": {"apply_recency_bias": "true"},
            "trainingDataConfig": {"excludedDatasetColumns": {}},
            "autoTrainingConfig": {"schedulingExpression": "rate(7 days)"},
        },
        "status": "ACTIVE",
        "creationDateTime": CREATED,
        "lastUpdatedDateTime": CREATED,
        "latestSolutionVersion": {
            "solutionVersionArn": f"{arn}/1",
            "status": "ACTIVE",
            "trainingMode": "FULL",
            "creationDateTime": CREATED,
            "lastUpdatedDateTime": CREATED,
        },
    }


class Client(asyncio.Protocol):
    """One connection, kept open: HTTP/1.1 as far as boto3 and aiobotocore speak it."""

    def __init__(self, service: Service) -> None:
        self._service, self._received = service, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._service.connected(1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._service.connected(-1)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._received = b""
        answer = self._service.describe(json.loads(body)["solutionArn"])
        asyncio.get_running_loop().call_later(LATENCY, self._answer, answer)

    def _answer(self, body: bytes) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def _content_length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name.lower() == b"content-length"), 0)


async def serve(certificate: str, *, ends: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    service = Service(ends=ends)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(service), "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        service.began = float(line)
    print(json.dumps(service.report()), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], ends=sys.argv[2] == "ends"))
