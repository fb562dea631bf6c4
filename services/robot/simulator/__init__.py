"""A kinematic simulated NAO behind a real NAOqi service directory.

The model (``clock``, ``anatomy``, ``body``, ``motion``, ``voice``, ``lights``, ``nao``) is plain Python and knows
nothing of qi; ``surface`` puts NAOqi's services in front of it and ``server`` registers them on a qi session.
"""
