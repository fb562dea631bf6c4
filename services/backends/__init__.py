"""One adapter per kind of LLM server, behind one interface.

``config`` reads the settings and imports no HTTP client, so that the router, which only forwards bytes, can use it;
``registry.create_backend`` gives the adapter to those who generate.
"""
