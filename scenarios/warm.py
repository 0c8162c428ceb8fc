"""Imported once, in the parent that instances are forked from.

What the app's libraries would load at their first use, each worker for itself: the half of the openai
client, and its transport, that are imported lazily.
"""

import contextlib

import openai

NOBODY = "http://127.0.0.1:9/v1"  # port 9: discard (RFC 863), which nothing serves

with openai.OpenAI(base_url=NOBODY, api_key="none", max_retries=0, timeout=1) as client:
    COMPLETIONS = client.chat.completions
    with contextlib.suppress(openai.APIConnectionError):
        client.models.list()
