"""The people's face: server-rendered pages that work without scripts and come alive with them."""
