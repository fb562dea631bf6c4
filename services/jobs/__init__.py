"""The durable queue: admission, Celery messages, leases, event streams and results, all in one Redis."""
