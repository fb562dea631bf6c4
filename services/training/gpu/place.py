"""Where things lie, here and on the GPU machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

#: What travels to the GPU machine, and what is made of it there; git ignores it.
BUNDLE = ROOT / ".gpu"
#: Its parts' manifest, and their names in the bundle's folder.
MANIFEST = "manifest.json"
#: What the joined parts hold, in the bundle's folder once it is unpacked.
TOKENS_FILE = "tokens.npz"
PROMPTS_FILE = "prompts.json"
WHEELS = "wheels"
#: What the GPU machine makes: the packages, and the model as Transformers reads it.
SITE = "site"
MODEL = "model"
BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
