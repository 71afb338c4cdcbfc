"""How well and how fast records are matched, beside Splink on the same machine: prints a table, then JSON.

    python benchmarks/identity.py --data FOLDER [--records 50000 1000000]

FOLDER holds `entity_resolution` with the public sets; those that are missing are named and left out. Speed is measured
from a table in memory to clusters, each run in a process of its own, one after the other.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from people import people
from rich.console import Console
from rich.table import Table

from porchlight.intelligence.identity.door import candidates, compare_one, index
from porchlight.intelligence.identity.resolve import DEFAULT_THRESHOLD, clusters, resolve

NEWCOMERS = 1_000
PRECISE = 0.99


class Set(NamedTuple):
    """A public set: its table or tables, what to leave out, and how to tell the truth from a row."""

    name: str
    files: tuple[str, ...]
    ignore: frozenset[str]
    truth: pl.Expr
    reference: str


_FEBRL = pl.col("rec_id").str.extract(r"rec-(\d+)")
_NO_NUMBER = frozenset({"rec_id", "soc_sec_id"})
_OF_CLUSTER = frozenset({"unique_id", "cluster"})
SETS = (
    Set("Febrl 4", ("febrl_dataset4a", "febrl_dataset4b"), _NO_NUMBER, _FEBRL, "ECM .9958, Splink .9910"),
    Set("Febrl 3", ("febrl_dataset3",), _NO_NUMBER, _FEBRL, ".9914"),
    Set("historical, half", ("historical_a",), _OF_CLUSTER, pl.col("cluster"), "Splink .766 on the whole"),
    Set("fake_1000", ("splink_fake_1000",), _OF_CLUSTER, pl.col("cluster"), "Splink as in its tutorial, below"),
)


def quality(left: Any, right: Any, score: Any, label: Any, border: int | None) -> dict[str, float]:
    """F1, precision and recall of the pairs of rows from the default threshold on, and the recall at precision .99."""
    order = np.argsort(-score, kind="stable")
    right_ones = np.cumsum((label[left] == label[right])[order])
    every = _true_pairs(label, border)
    precision = right_ones / np.arange(1, len(order) + 1)
    written = int((score >= DEFAULT_THRESHOLD).sum())
    precise = np.flatnonzero(precision >= PRECISE)
    hits = float(right_ones[written - 1]) if written else 0.0
    return {
        "f1": round(2 * hits / (written + every), 4),
        "precision": round(hits / max(written, 1), 4),
        "recall": round(hits / every, 4),
        "recall_at_precision_99": round(float(right_ones[precise[-1]]) / every, 4) if precise.size else 0.0,
    }


def _true_pairs(label: Any, border: int | None) -> int:
    if border is None:
        sizes = np.bincount(label)
        return int((sizes * (sizes - 1) // 2).sum())
    ours, theirs = (np.bincount(part, minlength=label.max() + 1) for part in (label[:border], label[border:]))
    return int((ours * theirs).sum())


def accuracy(of: Set, folder: Path) -> dict[str, Any] | None:
    paths = [folder / f"{name}.csv.gz" for name in of.files]
    if missing := [path for path in paths if not path.exists()]:
        print(f"{of.name}: {missing[0]} is missing", file=sys.stderr)
        return None
    tables = [pl.read_csv(path, infer_schema=False) for path in paths]
    started = time.perf_counter()
    found = resolve(tables[0], tables[1] if len(tables) == 2 else None, of.ignore)
    seconds = time.perf_counter() - started
    truth = pl.concat([table.select(truth=of.truth) for table in tables])["truth"]
    label = truth.rank("dense").to_numpy().astype(np.int64)
    border = tables[0].height if len(tables) == 2 else None
    scores = quality(found.pairs.left, found.pairs.right, found.probabilities(), label, border)
    return {**scores, "seconds": round(seconds, 2), "compared": found.compared, "reference": of.reference}


def ours(table: pl.DataFrame) -> dict[str, Any]:
    started = time.perf_counter()
    found = resolve(table, None, _OF_CLUSTER)
    clusters(found, table.height, DEFAULT_THRESHOLD)
    seconds = time.perf_counter() - started
    label = table["cluster"].rank("dense").to_numpy().astype(np.int64)
    scores = quality(found.pairs.left, found.pairs.right, found.probabilities(), label, None)
    return {"seconds": round(seconds, 1), "memory_mb": _memory(), "compared": found.compared, **scores}


def splink(table: pl.DataFrame, *, tutorial: bool) -> dict[str, Any]:
    """Splink with the settings of its tutorial, or the same for the generated people with their phone and address."""
    warnings.simplefilter("ignore")
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    name = [cl.NameComparison("first_name"), cl.NameComparison("surname")]
    city = cl.ExactMatch("city").configure(term_frequency_adjustments=True)
    comparisons = [*name, cl.LevenshteinAtThresholds("dob", 1), city, cl.EmailComparison("email")]
    rules = [block_on("first_name", "city"), block_on("surname")]
    deterministic = [
        "l.first_name = r.first_name and levenshtein(r.dob, l.dob) <= 1",
        "l.surname = r.surname and levenshtein(r.dob, l.dob) <= 1",
        "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
        "l.email = r.email",
    ]
    training = [block_on("first_name", "surname"), block_on("dob")]
    if not tutorial:
        more = [cl.LevenshteinAtThresholds("phone", [1, 2]), cl.JaroWinklerAtThresholds("street", [0.9, 0.8])]
        comparisons += [*more, cl.LevenshteinAtThresholds("postcode", 1)]
        rules = [
            block_on("first_name", "surname", "city"),
            block_on("surname", "dob"),
            block_on("first_name", "dob"),
            block_on("street", "city"),
            block_on("email"),
            block_on("phone"),
        ]
        deterministic = [block_on("first_name", "surname", "dob"), block_on("email"), block_on("phone")]
        training = [block_on("email"), block_on("dob", "city")]
    started = time.perf_counter()
    api = DuckDBAPI()
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons, blocking_rules_to_generate_predictions=rules
    )
    frame = api.register(table.drop("cluster").to_arrow())
    linker = Linker(frame, settings, log_level=50)
    linker.training.estimate_probability_two_random_records_match(deterministic, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_probability=0.01)
    linker.clustering.cluster_pairwise_predictions_at_threshold(
        predicted, threshold_match_probability=DEFAULT_THRESHOLD
    )
    seconds = time.perf_counter() - started
    pairs = predicted.as_duckdbpyrelation().select("unique_id_l, unique_id_r, match_probability").pl()
    rows = {name: row for row, name in enumerate(table["unique_id"].to_list())}
    left, right = (np.array([rows[name] for name in pairs[column]]) for column in ("unique_id_l", "unique_id_r"))
    label = table["cluster"].rank("dense").to_numpy().astype(np.int64)
    scores = quality(left, right, pairs["match_probability"].to_numpy(), label, None)
    return {"seconds": round(seconds, 1), "memory_mb": _memory(), "compared": pairs.height, **scores}


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def door(table: pl.DataFrame) -> dict[str, Any]:
    """One newcomer after the other against everybody in `table`, by a model that was learned from a part of them."""
    model = resolve(table.head(50_000), None, _OF_CLUSTER).model
    everybody = index(model, table)
    rows = table.drop(*_OF_CLUSTER).rows(named=True)
    milliseconds, beside = [], []
    for row in np.random.default_rng(1).integers(0, len(rows), NEWCOMERS).tolist():
        started = time.perf_counter()
        found = candidates(everybody, rows[row])
        compare_one(model, rows[row], [rows[one] for one in found])
        milliseconds.append((time.perf_counter() - started) * 1e3)
        beside.append(len(found))
    p50, p99 = np.percentile(milliseconds, (50, 99))
    return {
        "people": table.height,
        "newcomers": NEWCOMERS,
        "p50_ms": round(float(p50), 1),
        "p99_ms": round(float(p99), 1),
        "candidates": round(float(np.mean(beside)), 1),
    }


_RUNS = {
    "ours": ours,
    "splink": lambda table: splink(table, tutorial=False),
    "splink-tutorial": lambda table: splink(table, tutorial=True),
    "door": door,
}


def alone(what: str, path: Path) -> dict[str, Any]:
    """One measurement in a process of its own, whose memory is nobody else's."""
    done = subprocess.run([sys.executable, __file__, "--alone", what, str(path)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{what} on {path.name} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def show(report: dict[str, Any]) -> None:
    console = Console(stderr=True)
    table = Table("set", "F1", "precision", "recall", "recall at .99", "seconds", "reference")
    for name, row in report["accuracy"].items():
        numbers = (row["f1"], row["precision"], row["recall"], row["recall_at_precision_99"], row["seconds"])
        table.add_row(name, *map(str, numbers), row["reference"])
    console.print(table)
    table = Table("records", "who", "seconds", "memory MB", "F1")
    for count, runs in report["speed"].items():
        for who, row in runs.items():
            table.add_row(count, who, str(row["seconds"]), str(row["memory_mb"]), str(row["f1"]))
    console.print(table)
    if report["door"]:
        console.print(report["door"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the public data")
    parser.add_argument("--records", type=int, nargs="*", default=[50_000], help="sizes to measure the speed on")
    parser.add_argument("--alone", nargs=2, metavar=("WHAT", "TABLE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        what, path = arguments.alone
        print(json.dumps(_RUNS[what](pl.read_parquet(path))))
        return
    report: dict[str, Any] = {"accuracy": {}, "speed": {}, "door": None}
    with tempfile.TemporaryDirectory() as folder:
        if arguments.data:
            data = arguments.data / "entity_resolution"
            for of in SETS:
                if (found := accuracy(of, data)) is not None:
                    report["accuracy"][of.name] = found
            if (source := data / "splink_fake_1000.csv.gz").exists():
                path = Path(folder) / "fake.parquet"
                pl.read_csv(source, infer_schema=False).write_parquet(path)
                reference = {**alone("splink-tutorial", path), "reference": "its tutorial's settings"}
                report["accuracy"]["fake_1000, Splink"] = reference
        for count in arguments.records:
            path = Path(folder) / f"{count}.parquet"
            people(count).write_parquet(path)
            report["speed"][f"{count:,}"] = {who: alone(who, path) for who in ("ours", "splink")}
        if arguments.records:
            report["door"] = alone("door", path)
    show(report)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
