"""A simulated Porter: a small service robot in a house of nine rooms, behind the same protocol as the simulated NAO."""
