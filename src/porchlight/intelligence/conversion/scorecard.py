"""The prior scorecard: how much each feature moves the log-odds of converting, why that much, and who says so.

There is little published evidence on what makes a real-estate lead convert, so every weight says what it rests on:
`published` (a measured ratio, shrunk), `derived` (arithmetic on published figures, shrunk) or `judgement` (no evidence
known; then no value of the feature may move the odds by more than `JUDGEMENT_LIMIT` either way until history says so).
The tenant's own history is meant to correct all of them; the prior's task is to be useful and modest before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final, Literal

from porchlight.intelligence.conversion.features import FACTORS, FEATURES, Factor, Feature

Evidence = Literal["published", "derived", "judgement"]

JUDGEMENT_LIMIT: Final = log(1.5)
FACTOR_LIMITS: Final[dict[Factor, float]] = dict.fromkeys(FACTORS, 2.0) | {"momentum": 7.0}
"""No factor can move the log-odds further than this, whatever a lead does.

2.0 multiplies the odds by 7.4. Momentum alone may do more, because it holds the pipeline: an accepted contract is not a
sign of a sale but nearly the sale itself. The limits follow from the weights and the bounds of the features; nothing is
cut off, so that contributions always add up.
"""

TERMINAL_LOG_ODDS: Final = -log(99.0)
"""All that is said of a closed or lost lead: score 1, and it stays there until the lead is reopened.

Their pursuit is over, so there is nothing to forecast from what they did in it. The value is a convention that keeps
them below every open lead in a ranking; it is not an estimate of how often they come back.
"""


@dataclass(frozen=True, slots=True)
class Weight:
    """`log_odds` per unit of the feature; positive raises the probability."""

    feature: str
    log_odds: float
    evidence: Evidence
    why: str
    source: str


_JUDGEMENT: Final = "expert judgement, bounded to ±ln 1.5 until history says otherwise"
_HBR: Final = (
    "Oldroyd, McElheran, Elkington, “The Short Life of Online Sales Leads”, Harvard Business Review, March 2011; "
    "Oldroyd, Elkington, “Lead Response Management Study”, InsideSales.com, 2007"
)
_NAR_PROFILE: Final = "National Association of Realtors, Profile of Home Buyers and Sellers"
_NAR_CONTRACTS: Final = (
    "National Association of Realtors, REALTORS Confidence Index, 2016–2018: 5–6 % of contracts terminated, "
    "median 30–42 days to close"
)
_CLICKSTREAM: Final = (
    "direction: Moe, Fader, “Dynamic Conversion Behavior at E-Commerce Sites”, Management Science, 2004; "
    "size: " + _JUDGEMENT
)

WEIGHTS: Final[tuple[Weight, ...]] = (
    Weight(
        "budget_stated",
        0.2,
        "judgement",
        "A budget shows that they have done the sums; many state one only because a form asks, so it counts little.",
        _JUDGEMENT,
    ),
    Weight(
        "financing_readiness",
        0.8,
        "judgement",
        "A buyer who can pay can sign: odds × 1.5 when ready, ÷ 1.5 without a plan. Sales with pre-approvals required "
        "by the seller closed about 4 % sooner, which gives the direction but no odds ratio.",
        "direction: “Seller-Required Mortgage Preapprovals and the Homebuying Process”, Journal of Real Estate "
        "Research, 2021, doi:10.1080/08965803.2021.2003508; size: " + _JUDGEMENT,
    ),
    Weight(
        "price_fit",
        0.55,
        "judgement",
        "Looking at homes 15 % beyond the budget cuts the feature to e⁻¹: they dream, or must adjust first.",
        _JUDGEMENT,
    ),
    Weight(
        "price_focus",
        0.4,
        "judgement",
        "A narrow price band is a sign of a settled decision; a spread of half a log unit (factor 1.65) is browsing.",
        _JUDGEMENT,
    ),
    Weight(
        "timeframe",
        1.25,
        "derived",
        "Were moves spread evenly over the time that people give themselves, the odds of one within 90 days would go "
        "with one over that time: ln(365/30) = 2.5 from a year to a month. Stated intentions predict purchases but "
        "imperfectly, so half of it is kept.",
        "arithmetic; Morwitz, “Consumers' Purchase Intentions and their Behavior”, Foundations and Trends in "
        "Marketing, 2014, for the shrinkage; confidence: middling",
    ),
    Weight(
        "direct_requests",
        0.45,
        "judgement",
        "Asking about a particular home costs effort and names a thing to buy; three current requests: odds × 1.3.",
        _JUDGEMENT,
    ),
    Weight(
        "bookings",
        0.42,
        "judgement",
        "Giving up an hour is the first costly commitment; most of its effect is in the pipeline already.",
        _JUDGEMENT,
    ),
    Weight("searches", 0.3, "judgement", "Searching anew is interest of the moment, cheaply shown.", _JUDGEMENT),
    Weight(
        "saved_homes",
        0.42,
        "judgement",
        "Saving and sharing say that something fits, to themselves or to the one they decide with.",
        _JUDGEMENT,
    ),
    Weight(
        "favourite_home",
        0.4,
        "judgement",
        "Visits that return to the same thing come late in a decision; conversion rises with accumulated visits.",
        _CLICKSTREAM,
    ),
    Weight(
        "matching_homes",
        0.4,
        "judgement",
        "There are homes for sale that meet the wishes, and they look at them: nothing is missing but the choice.",
        _JUDGEMENT,
    ),
    Weight(
        "criteria_known",
        0.4,
        "judgement",
        "Who can say what they want is nearer to it, and we can help; each of the six: odds × 1.07.",
        _JUDGEMENT,
    ),
    Weight(
        "replies",
        0.5,
        "judgement",
        "A conversation is the way to a sale, but an answer may also be a no; four current replies: odds × 1.26.",
        _JUDGEMENT,
    ),
    Weight("prompt_replies", 0.4, "judgement", "A quick answer says that this matters to them now.", _JUDGEMENT),
    Weight(
        "reply_rate",
        0.55,
        "judgement",
        "Many attempts without an answer are evidence against; the shrinkage keeps two or three from deciding.",
        _JUDGEMENT,
    ),
    Weight(
        "clicks",
        0.3,
        "judgement",
        "A click is weak interest. Openings are no feature, since mail programs open messages by themselves.",
        _JUDGEMENT,
    ),
    Weight(
        "conversations",
        0.44,
        "judgement",
        "Speaking is more than writing; the published ratios are for reaching anyone at all, not for closing.",
        _JUDGEMENT,
    ),
    Weight("bounces", -0.4, "judgement", "Whom we cannot reach we cannot serve.", _JUDGEMENT),
    Weight(
        "season",
        1.0,
        "published",
        "The feature is itself the log of a measured ratio of closings, so it enters whole; it is bounded to ±0.3.",
        "Redfin Data Center, homes sold in the United States, not seasonally adjusted, 2012–2023 without 2020, "
        "computed as in `MONTHLY_CLOSINGS`; confidence: high for the country, low for a given place",
    ),
    Weight(
        "supply",
        0.25,
        "judgement",
        "More homes per buyer make it easier to find one and harder to sell one; 2.7 times the supply: odds × 1.28.",
        _JUDGEMENT,
    ),
    Weight(
        "search_span",
        0.3,
        "judgement",
        "The median search took 10 weeks, so who still looks after that is nearer to the end than who began "
        "today; how much nearer is not reported.",
        _NAR_PROFILE + ", for the 10 weeks; size: " + _JUDGEMENT,
    ),
    Weight(
        "answer_speed",
        1.2,
        "published",
        "Answering within the hour made firms 60 times as likely to qualify a lead as after a day or more: "
        "ln 60 = 4.1 over 0.40 of this scale, 10 per unit. An eighth is kept: it is not real estate, qualifying is not "
        "closing, a vendor wrote it, and quick firms differ in more than speed. 5 instead of 30 minutes: odds × 1.28.",
        _HBR + "; confidence: low for the size, high for the direction",
    ),
    Weight(
        "agent_pace",
        0.3,
        "judgement",
        "Who answers everybody fast will likely answer this one fast; the lead's own record counts four times more.",
        _JUDGEMENT,
    ),
    Weight(
        "personal_attention",
        0.4,
        "judgement",
        "Persistence raises the chance of contact; but agents also spend time on whom they already believe in.",
        _JUDGEMENT,
    ),
    Weight(
        "unanswered",
        -0.5,
        "judgement",
        "Half of the effect is there after a day of waiting.",
        _JUDGEMENT,
    ),
    Weight("handovers", -0.3, "judgement", "Trust is personal; each new agent starts over.", _JUDGEMENT),
    Weight(
        "met_us",
        0.6,
        "derived",
        "About two thirds of buyers interview one agent only. Who has met us thus stays with odds of 2 : 1, against "
        "1 : 2 for one of three agents before a meeting: ln 4 = 1.4. Less than half is kept, because meetings also "
        "move the pipeline.",
        _NAR_PROFILE + " 2013, for the two thirds; confidence: middling",
    ),
    Weight(
        "competitor_mentions", -0.42, "judgement", "They talk with others, and one of us will get the deal.", _JUDGEMENT
    ),
    Weight(
        "other_doors",
        -0.3,
        "judgement",
        "Coming through several doors means asking around; it is interest too, which other features count.",
        _JUDGEMENT,
    ),
    Weight(
        "missed_meetings",
        -0.4,
        "judgement",
        "A meeting called off is a step back, or a step to another agent.",
        _JUDGEMENT,
    ),
    Weight(
        "pipeline",
        5.2,
        "derived",
        "94–95 % of contracts close, most within 90 days: ln(0.94/0.06) − ln(0.006/0.994) = 7.9 above an average lead. "
        "5.2 is kept: stages set by hand err, and what comes with a contract (replies, tours, financing) adds up to 3 "
        "where it was recorded. With all else average a contract thus gives 48 %, with every step recorded 95 %. The "
        "depths of the stages before it are judgement; with all else average they give 0.6 % contacted, 1 % engaged, "
        "2 % appointment, 4 % touring, 11 % offer.",
        _NAR_CONTRACTS + "; confidence: high for the contract, low between",
    ),
    Weight("offers", 0.41, "judgement", "Who has made an offer and lost the home tends to make another.", _JUDGEMENT),
    Weight(
        "recency",
        0.47,
        "judgement",
        "Recency is the first of the three classic predictors of response (recency, frequency, monetary value); no "
        "figure for home buyers is known.",
        _JUDGEMENT,
    ),
    Weight(
        "views",
        0.44,
        "judgement",
        "People who visit more often buy more often.",
        "direction: Moe, Fader, “Capturing Evolving Visit Behavior in Clickstream Data”, Journal of Interactive "
        "Marketing, 2004; size: " + _JUDGEMENT,
    ),
    Weight("activity", 0.47, "judgement", "Frequency, over a month and all they do.", _JUDGEMENT),
)

WEIGHT_OF: Final[dict[str, float]] = {weight.feature: weight.log_odds for weight in WEIGHTS}


def contribution_range(feature: Feature) -> tuple[float, float]:
    """The least and the most log-odds that the feature can contribute."""
    ends = [WEIGHT_OF[feature.name] * (end - feature.reference) for end in (feature.low, feature.high)]
    return min(ends), max(ends)


def factor_range(factor: Factor) -> tuple[float, float]:
    """The least and the most log-odds that the factor can take, for an open lead."""
    ranges = [contribution_range(feature) for feature in FEATURES if feature.factor == factor]
    return sum(low for low, _ in ranges), sum(high for _, high in ranges)
