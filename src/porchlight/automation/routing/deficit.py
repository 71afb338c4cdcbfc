"""Fair turns by deficit: whose lead is the next one, when each seat is due a share of all of them.

Every assignment is worth 1. Each seat that is available for it earns its share (its weight over the weights of all
available seats) and the one that gets it pays 1. A credit is therefore how many leads a seat is behind its fair share;
a negative credit says how many it is ahead. Seats that are away neither earn nor pay, so nobody is flooded on return.

Giving each lead to the largest credit is fair but lets a seat fall up to 1/2 + 1/3 + ... + 1/n behind while the same
n seats are there (2.1 leads for 12). Tijdeman's rule does better with the same bookkeeping: among the seats whose
credit, after earning, is at least 1/(2n-2), take the one that would be the first to reach 1 - 1/(2n-2).

What is guaranteed, from credits of zero:

- The credits of the available seats add up to the same number before and after an assignment.
- While the same n ≥ 2 seats are available with the same weights, every credit stays within 1 - 1/(2n-2), ahead and
  behind: less than one lead. No rule can promise less for all weights.
  (R. Tijdeman, "The chairman assignment problem", Discrete Mathematics 32, 1980, 323-330.)
- With equal weights that is exact round robin.
- However availability and weights change, every credit stays within n - 3/2, n being all seats that ever took part.
  This is the carpool problem (R. Fagin, J. H. Williams, "A fair carpool scheduling algorithm", IBM Journal of Research
  and Development 27, 1983; D. Coppersmith et al., "The optimality of the online greedy algorithm in carpool and
  chairman assignment problems", ACM Transactions on Algorithms 7(3), 2011), where no rule can promise less than a
  growth with n. Proof in the manner of those papers: let F(k) be the largest sum that k credits ever reached.
  It can only rise when a seat outside those k is chosen although one of them was available, and then the chosen one's
  credit after earning was at most 1 - 1/(n-1) below that seat's (see `next_turn`: only a seat within the limit is
  passed over for a smaller credit), hence 2 F(k) ≤ F(k-1) + F(k+1) + 2 - 1/(n-1). With F(0) = F(n) = 0 this gives
  F(k) ≤ (1 - 1/(2n-2)) k (n-k).
"""

from __future__ import annotations

from collections.abc import Sequence

TIE = 1e-9
"""Keys nearer than this are equal: credits are sums of fractions, and their rounding must not decide a turn."""


def limit(seats: int) -> float:
    """How far a credit can be from zero while the same `seats` ≥ 1 are available."""
    return 1 - 1 / (2 * seats - 2) if seats > 1 else 0.0


def earned(credits: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The credits of the available seats after each has earned its share of one assignment. Weights are > 0."""
    each = 1 / sum(weights)
    return [credit + weight * each for credit, weight in zip(credits, weights, strict=True)]


def next_turn(credits: Sequence[float], weights: Sequence[float], open_leads: Sequence[int]) -> int:
    """The index of the seat that the next lead goes to, given all available seats' credits after earning.

    Ties go to the fewest open leads per weight, then to the first in order: pass the seats in a stable order.
    """
    furthest_behind = max(credits)
    ceiling = limit(len(credits))
    floor = 1 - ceiling
    if floor - TIE <= furthest_behind <= ceiling + TIE:
        # The time until a credit reaches the ceiling is the distance over the share; the common sum of weights cancels.
        waits = [
            (ceiling - credit) / weight if credit >= floor - TIE else None
            for credit, weight in zip(credits, weights, strict=True)
        ]
    else:
        # Only after availability changed: someone is overdue, or all are ahead, and the largest deficit comes first.
        waits = [-credit for credit in credits]
    chosen, shortest = -1, 0.0
    for index, wait in enumerate(waits):
        if wait is None:
            continue
        if (
            chosen < 0
            or wait < shortest - TIE
            or (wait <= shortest + TIE and open_leads[index] / weights[index] < open_leads[chosen] / weights[chosen])
        ):
            chosen, shortest = index, wait
    return chosen
