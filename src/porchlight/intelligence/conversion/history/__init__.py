"""History: how a team's own past corrects the documented prior scorecard."""
