"""Who may do what: tenants, teams, users and their roles, sessions, and API keys."""
