"""The words that everything else shares: durations, names, the parts of a Scenario and of a Run."""
