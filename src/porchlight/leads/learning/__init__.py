"""What a team's own history has taught the forecast, and how far the forecast has kept its word."""
