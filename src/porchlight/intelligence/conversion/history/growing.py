"""Growing the trees by LightGBM; nothing of it is needed to read them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import lightgbm as lgb

from porchlight.intelligence.conversion.history.landmarks import Floats
from porchlight.intelligence.conversion.history.trees import FACTOR_GROUPS, Tree

LEARNING_RATE: Final = 0.05


def grow(
    matrix: Floats, y: Floats, weights: Floats, offset: Floats, *, rounds: int, leaves: int, leaf_rows: int
) -> tuple[Tree, ...]:
    """Boost trees on `offset` (n,), the log-odds that are there already; each splits on features of one factor only.

    Taking part of the rows and columns at random for each tree evens out what single rows would make of it.
    """
    parameters = {
        "objective": "binary",
        "num_leaves": leaves,
        "learning_rate": LEARNING_RATE,
        "min_data_in_leaf": leaf_rows,
        "min_sum_hessian_in_leaf": 0.1,
        "lambda_l2": 5.0,
        "bagging_fraction": 0.85,
        "bagging_freq": 1,
        "feature_fraction": 0.8,
        "interaction_constraints": [list(group) for group in FACTOR_GROUPS],
        "boost_from_average": False,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 20,
        "num_threads": int(os.environ.get("OMP_NUM_THREADS", "0")),
        "verbosity": -1,
    }
    data = lgb.Dataset(matrix, y, weight=weights, init_score=offset, params=parameters)
    booster = lgb.train(parameters, data, num_boost_round=rounds)
    return tuple(
        tree for info in booster.dump_model()["tree_info"] if (tree := tree_of(info["tree_structure"])) is not None
    )


def tree_of(root: Mapping[str, Any]) -> Tree | None:
    """A tree of LightGBM's dump; None for one without a split, which says nothing that an offset does not."""
    if "split_feature" not in root:
        return None
    nodes: list[Mapping[str, Any]] = []
    leaves: list[Mapping[str, Any]] = []

    def number(item: Mapping[str, Any]) -> int:
        if "split_feature" not in item:
            leaves.append(item)
            return -len(leaves)
        nodes.append(item)
        children.append((0, 0))
        mine = len(nodes) - 1
        left = number(item["left_child"])
        children[mine] = (left, number(item["right_child"]))
        return mine

    children: list[tuple[int, int]] = []
    number(root)
    return Tree(
        tuple(int(node["split_feature"]) for node in nodes),
        tuple(float(node["threshold"]) for node in nodes),
        # A feature that was never missing in training is, where it is later, taken as below the threshold.
        tuple(bool(node["default_left"]) or node["missing_type"] == "None" for node in nodes),
        tuple(left for left, _ in children),
        tuple(right for _, right in children),
        tuple(float(leaf["leaf_value"]) for leaf in leaves),
        tuple(int(leaf["leaf_count"]) for leaf in leaves),
    )
