"""Evaluation: a suite of instructions through the whole engine, judged by simulation, several variants side by side."""
