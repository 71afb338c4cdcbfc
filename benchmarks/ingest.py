"""How fast a file of leads goes in, end to end, beside a bare COPY of the same rows: prints JSON.

    python benchmarks/ingest.py [--leads 100000] [--million] [--profile FILE]

Every lead is read from CSV, its contact points normalised and matched exactly with those that are there, stored raw,
recorded as facts, folded, scored, and, where routing is wired, given to one of twelve agents.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import csv
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from porchlight.accounts.manage import create_tenant, create_user
from porchlight.accounts.permissions import Role
from porchlight.automation.routing.seats import set_seat
from porchlight.kit.database import SYSTEM, libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.leads.imports.run import Progress, run_import
from porchlight.main import build
from porchlight.migrations import bring_up_to_date

AGENTS = 12
REPEATED = 0.15
"""The part of the rows that bring an earlier person's e-mail address or phone number again."""

COLUMNS = (
    "Lead ID", "First Name", "Last Name", "Email", "Phone", "City", "State", "Created", "Source", "Message", "Budget",
    "Favourite colour", "Newsletter",
)  # fmt: skip
_FIRST = ("James", "Mary", "Luis", "Wei", "Aisha", "Olga", "Kofi", "Emma", "Noah", "Priya", "Hugo", "Mia")
_LAST = ("Smith", "Nguyen", "Garcia", "Okafor", "Kim", "Rossi", "Patel", "Brown", "Silva", "Novak", "Haddad", "Lund")
_CITIES = (("Albany", "NY"), ("Troy", "NY"), ("Stamford", "CT"), ("Newark", "NJ"), ("Boston", "MA"))
_SOURCES = ("Zillow", "Website", "Open house", "Referral", "Facebook")
_START = datetime(2024, 1, 1, tzinfo=UTC)


def rows(count: int, seed: int = 7) -> Iterator[tuple[str, ...]]:
    """`count` leads, the same for the same seed; memory does not grow with them."""
    dice = random.Random(seed)
    for n in range(count):
        again = n > 0 and dice.random() < REPEATED
        person = dice.randrange(n) if again else n
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        city, state = dice.choice(_CITIES)
        low = dice.randrange(150, 900)
        yield (
            f"L-{n:07}",
            first,
            last,
            f"person{person}@mail{person % 97}.example.com",
            "" if again else f"(518) {200 + person // 10_000 % 800:03}-{person % 10_000:04}",
            city,
            state,
            (_START + timedelta(minutes=n % 1_000_000)).isoformat(),
            dice.choice(_SOURCES),
            f"Hello, is the house on {dice.randrange(1, 999)} Elm Street still free? I can come on Saturday.",
            f"${low},000-{low + 80},000",
            dice.choice(("red", "green", "blue")),
            dice.choice(("weekly", "never")),
        )


def write_file(path: Path, count: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows(count))


def bare_copy(owner: str, path: Path, count: int) -> float:
    """Rows a second of COPY from the same file into a table of text columns, without a single index."""
    with psycopg.connect(libpq_url(owner)) as connection, path.open("rb") as file:
        connection.execute("CREATE UNLOGGED TABLE bare (" + ", ".join(f"c{n} text" for n in range(len(COLUMNS))) + ")")
        connection.execute("ALTER TABLE bare SET LOGGED")
        started = time.perf_counter()
        with connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:
            while data := file.read(1 << 16):
                copy.write(data)
        connection.commit()
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bare")
    return count / seconds


async def brokerage(runtime: Runtime) -> Any:
    tenant_id = uuid7()
    async with runtime.database.unit_of_work(tenant_id) as uow:
        create_tenant(uow, "Benchmark Realty", time_zone="America/New_York", region="US")
        await uow.session.flush()
        for n in range(AGENTS):
            address = f"agent{n}-{tenant_id.hex[-8:]}@realty.example.com"
            agent = await create_user(uow, email=address, name=f"Agent {n}", role=Role.AGENT)
            await set_seat(uow, agent.id, weight=1.0 + n % 3, time_zone="America/New_York")
    return tenant_id


def server_cpu(home: Path) -> float:
    """Seconds of processor time that the database server in `home` has used so far, its processes that ended too."""
    postmaster = (home / "postgres" / "postmaster.pid").read_text().split()[0]
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if process.name == postmaster:
            ticks += sum(map(int, fields[11:15]))
        elif fields[1] == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def measured(runtime: Runtime, path: Path) -> dict[str, Any]:
    tenant_id = await brokerage(runtime)
    steps: list[tuple[int, float, int]] = []

    def note(progress: Progress) -> None:
        steps.append((progress.done.rows, time.perf_counter() - started, memory()))

    home = runtime.settings.home_path
    own, server = time.process_time(), server_cpu(home)
    started = time.perf_counter()
    result = await run_import(runtime, tenant_id, SYSTEM, path, on_progress=note)
    return {
        "rows": result.rows,
        "created": result.created,
        "matched": result.matched,
        "rejected": result.rejected,
        "seconds": round(result.seconds, 2),
        "leads_per_second": round(result.rows / result.seconds),
        "client_cpu_seconds": round(time.process_time() - own, 2),
        "server_cpu_seconds": round(server_cpu(home) - server, 2),
        "memory_mb_by_rows": {str(rows): mb for rows, _, mb in _milestones(steps)},
        "leads_per_second_of_tenths": _tenths(steps),
    }


def memory() -> int:
    """The peak resident memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _milestones(steps: list[tuple[int, float, int]]) -> Iterator[tuple[int, float, int]]:
    for mark in (10_000, 100_000, 1_000_000):
        yield from [step for step in steps if step[0] >= mark][:1]


def _tenths(steps: list[tuple[int, float, int]]) -> list[int]:
    size = max(len(steps) // 10, 1)
    marks = [(0, 0.0, 0), *steps[size - 1 :: size]]
    return [round((b[0] - a[0]) / (b[1] - a[1])) for a, b in pairwise(marks)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument(
        "--million", action="store_true", help="also import 1,000,000 rows, to show that memory is flat"
    )
    parser.add_argument("--profile", type=Path, help="write a cProfile of the run here (it slows the run down)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # its server stops a moment later
        settings = Settings(home=Path(folder) / "home", log_level="error")
        at = urls(settings)
        bring_up_to_date(at, settings.key)
        report: dict[str, Any] = {}
        for count in (arguments.leads, *((1_000_000,) if arguments.million else ())):
            path = Path(folder) / f"leads-{count}.csv"
            write_file(path, count)
            copied = bare_copy(at.owner, path, count)
            profile = cProfile.Profile() if arguments.profile else None
            if profile:
                profile.enable()
            runtime = build(settings, at=at)
            found = asyncio.run(_closing(runtime, measured(runtime, path)))
            if profile:
                profile.disable()
                profile.dump_stats(arguments.profile)
            found["copy_rows_per_second"] = round(copied)
            found["ratio_to_copy"] = round(found["leads_per_second"] / copied, 4)
            report[f"{count}"] = found
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


async def _closing(runtime: Runtime, work: Any) -> Any:
    try:
        return await work
    finally:
        await runtime.database.close()


if __name__ == "__main__":
    main()
