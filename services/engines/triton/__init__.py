"""A real Triton Inference Server without its container image: the one that the nvidia-pytriton wheel carries."""
