"""Errors a caller can act on: each has a code, and a sentence that says what to do.

The table `CODES` is the one place where codes live; the HTTP layer turns an error into a problem document (RFC 9457)
and the command line prints its sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CODES: Mapping[str, tuple[int, str]] = {
    # code: (HTTP status, title)
    "api_key_invalid": (401, "The API key is not valid"),
    "body_too_large": (413, "The request body is too large"),
    "conflict": (409, "The request conflicts with what is already there"),
    "contact_point_invalid": (422, "A contact point cannot be read"),
    "csrf_failed": (403, "The form has expired"),
    "file_unreadable": (422, "The file cannot be read"),
    "forbidden": (403, "You may not do this"),
    "hook_invalid": (404, "There is no such hook"),
    "import_mapping_invalid": (422, "The column mapping is not valid"),
    "internal": (500, "Something went wrong on our side"),
    "kind_unknown": (422, "The activity kind is not known"),
    "lead_not_found": (404, "There is no such lead"),
    "method_not_allowed": (405, "This address does not take that method"),
    "not_found": (404, "There is nothing here"),
    "not_signed_in": (401, "You are not signed in"),
    "payload_invalid": (422, "The payload does not fit its kind"),
    "request_invalid": (422, "The request is not valid"),
    "signature_invalid": (401, "The signature does not match"),
    "sign_in_failed": (401, "The e-mail address or password is wrong"),
    "throttled": (429, "Too many tries"),
    "token_invalid": (401, "The token is not valid"),
    "unavailable": (503, "A part that is needed is not available"),
}


class PorchlightError(Exception):
    """An expected failure. `code` is a key of `CODES`; `detail` says what is wrong and what to do about it."""

    def __init__(self, code: str, detail: str, *, field: str | None = None, headers: Mapping[str, str] | None = None):
        if code not in CODES:
            raise KeyError(f"unknown error code {code!r}: add it to porchlight.kit.errors.CODES")
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return CODES[self.code][0]

    @property
    def title(self) -> str:
        return CODES[self.code][1]

    def problem(self) -> dict[str, Any]:
        """This error as the members of a problem document."""
        body: dict[str, Any] = {
            "type": f"https://porchlight.example/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.field is not None:
            body["field"] = self.field
        return body
