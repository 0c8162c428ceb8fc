"""How a site may have written its own wsgi.py, where that is the fault."""
