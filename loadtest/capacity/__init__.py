"""How many robots so many engines carry: measured, put into a queueing model, and checked against a soak run."""
