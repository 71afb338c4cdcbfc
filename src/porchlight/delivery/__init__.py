"""The one door out: every message leaves with a permit, through the outbox, once."""
