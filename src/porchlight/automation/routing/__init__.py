"""Which agent a lead goes to: fair turns by weight, among those who can take it now, with the reasons kept."""
