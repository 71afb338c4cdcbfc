"""The vocabulary of delivery: the one place where channels and purposes are listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

ChannelName = Literal["email", "sms", "call", "console"]
Purpose = Literal["inquiry_reply", "marketing"]
ContactKind = Literal["email", "phone"]
CONTACT_KINDS: tuple[ContactKind, ...] = get_args(ContactKind)

CONTACT_KIND: Mapping[ChannelName, ContactKind] = {
    "email": "email",
    "console": "email",
    "sms": "phone",
    "call": "phone",
}
"""Which kind of contact point a channel reaches. An opt-out holds for the contact point, hence for all its channels."""
