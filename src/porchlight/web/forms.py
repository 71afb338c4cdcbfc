"""What the fields of forms and addresses may hold: bounded text without NUL characters, which no database takes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query, Request

from porchlight.kit.errors import PorchlightError

_TEXT = r"^[^\x00]*$"
_LONGEST = 200

Text = Annotated[str, Query(max_length=_LONGEST, pattern=_TEXT)]
Name = Annotated[str, Form(max_length=120, pattern=_TEXT)]
Line = Annotated[str, Form(max_length=_LONGEST, pattern=_TEXT)]
Prose = Annotated[str, Form(max_length=5_000, pattern=_TEXT)]
Address = Annotated[str, Form(max_length=2_000, pattern=_TEXT)]


async def fields_of(request: Request) -> dict[str, str]:
    """The text fields of a form whose fields depend on what its page showed. Raises `request_invalid`."""
    fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    for name, value in fields.items():
        if len(value) > _LONGEST * 5 or "\0" in value:
            raise PorchlightError("request_invalid", "Shorten this field, and leave out what is no text.", field=name)
    return fields
