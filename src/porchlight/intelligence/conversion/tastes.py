"""What the homes a lead touches say about their taste: bounded lists, the price band, and matches with their wishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from porchlight.intelligence.conversion.state import (
    MAX_KEY_LENGTH,
    PRICE_HALF_LIFE,
    TASTE_HALF_LIFE,
    Prices,
    Weighted,
    Wishes,
    added,
    decayed,
)


def key_of(name: str) -> str:
    """A name as it is kept in a state: trimmed, and cut so that the state stays small."""
    return name.strip()[:MAX_KEY_LENGTH]


def weighed(entries: tuple[Weighted, ...], name: str, weight: float, at: float, limit: int) -> tuple[Weighted, ...]:
    """The bounded list with `weight` added to `name`; when it is full, the lightest makes room for a newcomer.

    A late newcomer that would be the lightest of all by now stays out.
    """
    key = key_of(name)
    for index, entry in enumerate(entries):
        if entry.key == key:
            total = added(entry.weight, entry.at, TASTE_HALF_LIFE, weight, at)
            return (*entries[:index], Weighted(key, total, max(entry.at, at)), *entries[index + 1 :])
    if len(entries) < limit:
        return (*entries, Weighted(key, weight, at))
    newest = max(at, *[entry.at for entry in entries])
    weights = [decayed(entry.weight, entry.at, TASTE_HALF_LIFE, newest) for entry in entries]
    lightest = weights.index(min(weights))
    if at < newest and decayed(weight, at, TASTE_HALF_LIFE, newest) < weights[lightest]:
        return entries
    return (*entries[:lightest], *entries[lightest + 1 :], Weighted(key, weight, at))


def priced(prices: Prices, log_price: float, weight: float, at: float) -> Prices:
    """The price band with one more home; `log_price` is relative to `PRICE_CENTRE`."""
    as_of = prices.at
    return Prices(
        added(prices.weight, as_of, PRICE_HALF_LIFE, weight, at),
        added(prices.total, as_of, PRICE_HALF_LIFE, weight * log_price, at),
        added(prices.squares, as_of, PRICE_HALF_LIFE, weight * log_price * log_price, at),
        max(as_of, at),
    )


def meets(wishes: Wishes, listing: Mapping[str, Any]) -> bool:
    """Whether a listing meets every stated wish that it says something about, and at least one."""
    price = listing.get("list_price")
    verdicts = (
        _at_least(price, wishes.price_min),
        _at_least(wishes.price_max, price),
        _at_least(listing.get("bedrooms_total"), wishes.bedrooms_min),
        _among(listing.get("property_type"), (wishes.property_type,) if wishes.property_type else ()),
        _among(listing.get("area") or listing.get("city"), wishes.areas),
    )
    return True in verdicts and False not in verdicts


def _at_least(value: float | None, least: float | None) -> bool | None:
    return None if value is None or least is None else value >= least


def _among(name: str | None, wanted: tuple[str, ...]) -> bool | None:
    return None if not name or not wanted else key_of(name).casefold() in wanted
