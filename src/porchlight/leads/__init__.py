"""Leads and the facts about them: how they come in, what is known of each, and what is made of it."""
