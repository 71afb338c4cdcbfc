"""Whether a message may leave now. `decide` is the only source of permits, and channels take nothing without one.

Every check is made and kept, not only the first that fails, so that the trace answers each question asked later. A
refusal is final for its message; only "not at this hour" and "too many already" are put off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Literal

from porchlight.delivery.kinds import CONTACT_KIND, ChannelName, ContactKind, Purpose
from porchlight.delivery.places import Whereabouts
from porchlight.delivery.quiet_hours import Rule, next_open, rule_book, rule_for
from porchlight.leads.contact_points import BadContactPoint, normalise_email, normalise_phone

INQUIRY_LASTS = timedelta(days=90)
"""How long an inquiry justifies an answer: the three months of 47 CFR 64.1200(f)(5), taken for every channel."""


class Basis(IntEnum):
    """What allows a message, from nothing to a signed agreement; a higher one includes the lower ones."""

    NONE = 0
    INQUIRY = 1
    EXPRESS = 2
    WRITTEN = 3


REQUIRED_BASIS: dict[tuple[ContactKind, Purpose], Basis] = {
    ("email", "inquiry_reply"): Basis.INQUIRY,
    ("email", "marketing"): Basis.INQUIRY,
    ("phone", "inquiry_reply"): Basis.EXPRESS,
    ("phone", "marketing"): Basis.WRITTEN,
}
"""The least basis for a channel's contact point and purpose. E-mail: CAN-SPAM asks for none, we ask that the person
wrote first. Calls and texts: prior express consent, and in writing for marketing (47 CFR 64.1200(a)(1)-(2), (f)(9))."""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A line of the consent ledger of one contact point. `basis` is EXPRESS or WRITTEN; NONE is a withdrawal."""

    purpose: Purpose
    basis: Basis
    at: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks: the brokerage, with the postal address that CAN-SPAM asks for, and where answers go."""

    name: str
    postal_address: str
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be decided: the part of a message that a permit depends on."""

    channel: ChannelName
    purpose: Purpose
    to: str
    automated: bool
    discloses_automation: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the recipient and the sender. `suppressions` are the reasons this contact point is on the
    do-not-contact list, `consents` its ledger, `touches` the times of automated messages to the person, any channel."""

    sender: Sender
    whereabouts: Whereabouts
    suppressions: tuple[str, ...] = ()
    consents: tuple[ConsentRecord, ...] = ()
    inquired_at: datetime | None = None
    touches: tuple[datetime, ...] = ()
    house_hours: Rule | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `not_before` only where the outcome is `defer`."""

    check: str
    outcome: Literal["pass", "refuse", "defer"]
    code: str
    reason: str
    not_before: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        body = {"check": self.check, "outcome": self.outcome, "code": self.code, "reason": self.reason}
        return body | ({"not_before": self.not_before.isoformat()} if self.not_before else {})


_MINT = object()


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send one message to one contact point through one channel, now. Made by `decide` alone."""

    channel: ChannelName
    purpose: Purpose
    to: str
    at: datetime
    trace: tuple[Finding, ...] = field(repr=False)
    mint: InitVar[object] = None

    def __post_init__(self, mint: object) -> None:
        if mint is not _MINT:
            raise TypeError("a Permit is made by porchlight.delivery.permit.decide and by nothing else")


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    reason: str
    trace: tuple[Finding, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deferral:
    not_before: datetime
    code: str
    reason: str
    trace: tuple[Finding, ...] = field(repr=False)


def decide(proposal: Proposal, evidence: Evidence, at: datetime) -> Permit | Refusal | Deferral:
    """Whether this message may leave at `at`; if only the time is wrong, from when on.

    The first refusal in the order of `CHECKS` gives the code. A deferral's `not_before` satisfies all checks together.
    """
    trace = tuple(check(proposal, evidence, at) for check in CHECKS)
    for finding in trace:
        if finding.outcome == "refuse":
            return Refusal(finding.code, finding.reason, trace)
    waits = [finding for finding in trace if finding.not_before is not None]
    if not waits:
        return Permit(proposal.channel, proposal.purpose, proposal.to, at, trace, mint=_MINT)
    earliest = max(finding.not_before for finding in waits if finding.not_before is not None)
    opening = next_open(earliest, evidence.whereabouts.places, proposal.channel, evidence.house_hours)
    if opening is None:
        never = _never_open(evidence)
        return Refusal(never.code, never.reason, (*trace, never))
    return Deferral(opening, waits[0].code, waits[0].reason, trace)


def _contact_point(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    normalise = normalise_email if CONTACT_KIND[proposal.channel] == "email" else normalise_phone
    try:
        normalise(proposal.to)
    except BadContactPoint as error:
        return Finding("contact_point", "refuse", "contact_point_invalid", error.detail)
    return Finding("contact_point", "pass", "contact_point_valid", "The contact point can be written to")


def _opt_out(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    check = "opt_out"
    if evidence.suppressions:
        reasons = ", ".join(sorted(set(evidence.suppressions)))
        return Finding(check, "refuse", "suppressed", f"The contact point is on the do-not-contact list: {reasons}")
    withdrawn = _withdrawn_at(evidence)
    if withdrawn is not None and not any(record.at > withdrawn for record in evidence.consents):
        return Finding(check, "refuse", "opted_out", f"The person opted out on {withdrawn:%Y-%m-%d}")
    return Finding(check, "pass", "not_opted_out", "No opt-out is on record")


def _withdrawn_at(evidence: Evidence) -> datetime | None:
    return max((record.at for record in evidence.consents if record.basis is Basis.NONE), default=None)


def standing_basis(purpose: Purpose, evidence: Evidence, at: datetime) -> Basis:
    """The highest basis that stands at `at`.

    A withdrawal ends every consent and inquiry up to its moment, whatever purpose it named (the wide reading of
    47 CFR 64.1200(a)(10), whose revoke-all scope binds from 2027-01-31). Consent to marketing includes replies.
    """
    withdrawn = _withdrawn_at(evidence)
    inquired = evidence.inquired_at
    standing = [
        record.basis
        for record in evidence.consents
        if record.purpose in (purpose, "marketing") and (withdrawn is None or record.at > withdrawn)
    ]
    if inquired is not None and at - inquired <= INQUIRY_LASTS and (withdrawn is None or inquired > withdrawn):
        standing.append(Basis.INQUIRY)
    return max(standing, default=Basis.NONE)


def _consent(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    required = REQUIRED_BASIS[CONTACT_KIND[proposal.channel], proposal.purpose]
    standing = standing_basis(proposal.purpose, evidence, at)
    words = f"needs {required.name.lower()}, has {standing.name.lower()}"
    subject = f"{proposal.channel} for {proposal.purpose.replace('_', ' ')}"
    if standing < required:
        return Finding("consent", "refuse", "consent_missing", f"{subject} {words}")
    return Finding("consent", "pass", "consent_stands", f"{subject} {words}")


def _sender_identity(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    check = "sender_identity"
    if not evidence.sender.name.strip():
        return Finding(check, "refuse", "sender_incomplete", "The brokerage has no name; set one")
    if proposal.purpose == "marketing" and not evidence.sender.postal_address.strip():
        reason = "Marketing needs the brokerage's postal address (CAN-SPAM); set one"
        return Finding(check, "refuse", "sender_incomplete", reason)
    return Finding(check, "pass", "sender_complete", "The sender is named as the purpose asks")


def _disclosure(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    if proposal.automated and not proposal.discloses_automation:
        return Finding("disclosure", "refuse", "not_disclosed", "An automatic message must say that it is one")
    return Finding("disclosure", "pass", "disclosed", "Nobody is misled about who or what writes")


def _frequency(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    if not proposal.automated:
        return Finding("frequency", "pass", "not_capped", "A message written by a person is not capped")
    free_at = at
    code, reason = "under_caps", "The caps leave room for this message"
    newest_first = sorted(evidence.touches, reverse=True)
    for cap in rule_book().caps:
        if len(newest_first) < cap.messages:
            continue
        room_at = newest_first[cap.messages - 1] + cap.within
        if room_at > free_at:
            hours = cap.within // timedelta(hours=1)
            free_at = room_at
            code, reason = f"cap_{hours}h", f"At most {cap.messages} automatic message(s) in {hours} hours"
    if free_at > at:
        return Finding("frequency", "defer", code, reason, free_at)
    return Finding("frequency", "pass", code, reason)


def _quiet_hours(proposal: Proposal, evidence: Evidence, at: datetime) -> Finding:
    opening = next_open(at, evidence.whereabouts.places, proposal.channel, evidence.house_hours)
    if opening is None:
        return _never_open(evidence)
    places = evidence.whereabouts.places
    where = " or ".join(dict.fromkeys(place.name for place in places))
    known_by = ", ".join(f"{clue.basis} {clue.value}" for clue in evidence.whereabouts.clues)
    rules = {rule_for(proposal.channel, place.state, evidence.house_hours).source for place in places}
    zones = ", ".join(evidence.whereabouts.zones)
    reason = f"{where} ({zones}; known by {known_by}; rule: {'; '.join(sorted(rules))})"
    if opening > at:
        return Finding("quiet_hours", "defer", "quiet_hours", f"Closed at this hour in {reason}", opening)
    return Finding("quiet_hours", "pass", "in_hours", f"Open at this hour in {reason}")


def _never_open(evidence: Evidence) -> Finding:
    reason = f"The open hours of {', '.join(evidence.whereabouts.zones)} never meet"
    return Finding("quiet_hours", "refuse", "never_open", reason)


CHECKS: tuple[Callable[[Proposal, Evidence, datetime], Finding], ...] = (
    _contact_point,
    _opt_out,
    _consent,
    _sender_identity,
    _disclosure,
    _frequency,
    _quiet_hours,
)
