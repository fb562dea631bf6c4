"""vLLM's own server, with the settings that suit many short programs behind one long common prompt."""
