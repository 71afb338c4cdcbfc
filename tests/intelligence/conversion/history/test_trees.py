from __future__ import annotations

import os

import lightgbm as lgb
import numpy as np
import orjson
import pytest

from porchlight.intelligence.conversion.features import FEATURES
from porchlight.intelligence.conversion.history.growing import grow, tree_of
from porchlight.intelligence.conversion.history.trees import (
    FACTOR_GROUPS,
    FACTOR_OF_FEATURE,
    Floats,
    Tree,
    compiled,
    from_json,
    to_json,
)

STUMP = Tree((0,), (0.5,), (True,), (-1,), (-2,), (-1.0, 2.0), (30, 10))


def table(rows: int = 800) -> tuple[Floats, Floats]:
    dice = np.random.default_rng(3)
    x = dice.random((rows, len(FEATURES)))
    x[dice.random(x.shape) < 0.2] = np.nan
    x[:, 1] = dice.random(rows)
    y = (
        np.nan_to_num(x[:, 0], nan=0.7) * x[:, 1] + 0.5 * np.nan_to_num(x[:, 30]) + 0.2 * dice.random(rows) > 0.6
    ) * 1.0
    return x, np.asarray(y, dtype=np.float64)


def grown() -> tuple[Tree, ...]:
    x, y = table()
    return grow(x, y, np.ones(len(x)), np.full(len(x), -1.0), rounds=40, leaves=8, leaf_rows=10)


def test_the_compiled_trees_say_what_lightgbm_says() -> None:
    x, y = table()
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    settings = {"objective": "binary", "num_leaves": 8, "verbosity": -1, "num_threads": threads, "min_data_in_leaf": 5}
    groups = [list(group) for group in FACTOR_GROUPS]
    booster = lgb.train(
        settings | {"interaction_constraints": groups, "boost_from_average": False}, lgb.Dataset(x, y), 30
    )
    trees = [tree for info in booster.dump_model()["tree_info"] if (tree := tree_of(info["tree_structure"]))]
    ready = compiled(trees)
    found = ready.constant + ready.effects_of_many(x).sum(axis=1)
    assert found == pytest.approx(np.asarray(booster.predict(x, raw_score=True)), abs=1e-12)


def test_one_lead_is_read_as_many_are() -> None:
    x, _ = table(50)
    ready = compiled(grown(), 0.7)
    together = ready.effects_of_many(x)
    for row, expected in zip(x, together, strict=True):
        values = tuple(None if np.isnan(value) else float(value) for value in row)
        assert ready.effects_of(values) == pytest.approx(expected, abs=1e-12)


def test_every_tree_belongs_to_one_factor() -> None:
    trees = grown()
    assert len(trees) > 20
    assert all(len({FACTOR_OF_FEATURE[feature] for feature in tree.features}) == 1 for tree in trees)


def test_a_split_credits_its_feature_with_the_difference_from_the_mean() -> None:
    ready = compiled([STUMP])
    assert ready.constant == pytest.approx(-0.25)
    values: list[float | None] = [None] * len(FEATURES)
    assert ready.effects_of(values)[0] == pytest.approx(-0.75)
    assert ready.effects_of([0.9, *values[1:]])[0] == pytest.approx(2.25)


def test_trees_come_back_from_json_as_they_were() -> None:
    trees = grown()
    assert from_json(orjson.loads(orjson.dumps(to_json(trees)))) == trees


def test_no_trees_add_nothing() -> None:
    ready = compiled(())
    assert ready.constant == 0.0
    assert not ready.effects_of((None,) * len(FEATURES)).any()
    assert not ready.effects_of_many(table(3)[0]).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": [99]}, "does not exist"),
        ({"values": [0.0, float("inf")]}, "out of bounds"),
        ({"left": [0]}, "hang together"),
        ({"left": [-2]}, "hang together"),
        ({"values": [0.0]}, "too many or too few"),
        ({"rows": [0, 0]}, "out of bounds"),
        (
            {
                "features": [0, 34],
                "thresholds": [0.1, 0.2],
                "missing_left": [True, True],
                "left": [-1, -2],
                "right": [1, -3],
                "values": [0.0, 1.0, 2.0],
                "rows": [1, 1, 1],
            },
            "mixes factors",
        ),
    ],
)
def test_a_tree_out_of_bounds_is_refused(change: dict[str, list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json([to_json([STUMP])[0] | change])
