"""Two or more backends compared under the same traffic: ``scripts/bench compare``."""
