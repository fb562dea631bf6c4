"""The whole engine in one process tree on one machine: what the quick start, the tests and the benchmark run."""
