"""The reference page of roles and permissions, written from their table; run this module to print it."""

from __future__ import annotations

import sys

from porchlight.accounts.permissions import ROLES, Permission


def permissions_page() -> str:
    """`docs/reference/permissions.md`."""
    rows = [
        f"| `{permission}` | " + " | ".join("yes" if permission in held else "" for held, _ in ROLES.values()) + " |"
        for permission in Permission
    ]
    scopes = " | ".join(f"{scope}" for _, scope in ROLES.values())
    return "\n".join(
        (
            "# Roles and permissions",
            "",
            "A user's role says what they may do; their data scope says with whose leads: the whole tenant's, their "
            "team's, or their own. What is outside the scope is answered as if it did not exist. An API key has the "
            "permissions it was made with, and sees the whole tenant.",
            "",
            "| permission | " + " | ".join(f"{role}" for role in ROLES) + " |",
            "|---" * (len(ROLES) + 1) + "|",
            *rows,
            f"| *data scope of a new user* | {scopes} |",
            "",
        )
    )


if __name__ == "__main__":
    sys.stdout.write(permissions_page())
