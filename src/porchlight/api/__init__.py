"""The programs' face: the live socket, the hooks, and the machine's own pages."""
