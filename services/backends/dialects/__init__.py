"""What LLM servers speak over HTTP, without any sockets: requests into bytes, event streams into text.

The worker speaks them over asyncio (``services.backends.http``), the router over gevent.
"""
