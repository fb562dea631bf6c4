"""Transformers' own server, and the packaged model as a Hugging Face folder for the engines that want one."""
