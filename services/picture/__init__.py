"""What a robot's behaviour looked like: a compact recording of its motion, and pictures drawn from it.

Knows the body of a NAO (``kinematics``, ``stance``) and drawing, does no I/O and imports nothing of ours but
``services.behavior``: the simulated robot records with it, the router draws with it.
"""
