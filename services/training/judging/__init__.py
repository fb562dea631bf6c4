"""Whether a behaviour did what was asked: suites of items, and the judge that replays what a result says was done."""
