"""A search over the engine's settings: each is changed alone, what helps is put together, all measured in turns."""
