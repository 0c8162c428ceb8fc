"""A topology in containers: each instance a host of its own, nginx another.

user -> 127.0.0.1:PORT -> nginx -+-> gunicorn A -> A's volume -+-> Redis, SeaweedFS, the LLM:
                                 `-> gunicorn B -> B's volume -+   containers of their own, one a run

On one network, which the run makes for itself. Containers are used again (``host``), all of them end with
the harness (``agent``), and none of another harness is touched (``engine``).
"""
