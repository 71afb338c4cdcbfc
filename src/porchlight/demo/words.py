"""What the demo's leads write, and why pursuits end: about homes, money and dates, never about who somebody is."""

from __future__ import annotations

REPLIES = (
    "Thanks for getting back to me. We are still getting a feel for prices.",
    "Yes, Saturday could work. What times do you have?",
    "Could you send me the disclosures and the last inspection report?",
    "We like it, but the yard is smaller than we hoped. Anything similar?",
    "I am talking to a lender this week and will let you know.",
    "What did the house next to it sell for?",
    "Is there room on the price?",
    "We would need to be in by the end of the lease. Is that realistic?",
    "Not this one, but please keep sending them.",
    "How long does closing usually take?",
    "Could we see two or three of these on one day?",
    "I saved a few more last night, have a look.",
    "What are the HOA dues, and what do they cover?",
    "Our budget went up a little after talking to the bank.",
    "We are ready to move if the right one comes up.",
)
COOL_REPLIES = (
    "Just looking for now, thanks.",
    "We are at least a year out.",
    "I only wanted to know the price.",
    "Please do not call at work. E-mail is fine.",
    "Not a good time, maybe after the summer.",
)
QUESTIONS = (
    "Is it still available?",
    "Can I see it this week?",
    "When is the next open house?",
    "Are there any offers yet?",
    "How old is the roof?",
)
STOP = "STOP"

NOTES = (
    "Wants a garage and a level yard. Flexible on area.",
    "Needs to sell first; will bring numbers to the appointment.",
    "Prefers texts after 5 pm.",
    "Comparing rates at two lenders.",
    "Lease ends soon, wants to avoid a second move.",
)

NO_ANSWER = ("no_answer", "no_answer", "voicemail", "voicemail", "busy")

LOST_WITHOUT_TALK = ("No response", "No response", "Contact details do not work", "Not interested")
LOST_AFTER_TALK = ("Decided to stay", "Postponed", "Prices too high", "Moved to another area")
LOST_LATE = ("Bought with another agent", "Financing fell through", "Decided to stay", "Postponed")
LOST_SELLER = ("Listed with another agent", "Decided not to sell", "Price expectations too far apart")
LOST_RENTER = "Looks for a rental; referred to a property manager"
