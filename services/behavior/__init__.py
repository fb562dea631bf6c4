"""The domain: API catalogue, scene, prompt, plan, program, checks, grammar. No input or output, no other service."""
