"""Traffic of load tests: who asks for what, when and how, and what is seen of it. ``locustfile.py`` runs it."""
