"""The bench: what Touchline costs, as ratios to yardsticks measured in the same run."""
