"""A server for engines that cannot batch continuously: a request with a list of prompts runs as one padded batch."""
