"""The generator of instructions with their programs."""
