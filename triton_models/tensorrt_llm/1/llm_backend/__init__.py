"""What model.py does between Triton's tensors and an engine: reads requests, runs the engine, writes answers."""
