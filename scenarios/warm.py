"""Imported once, in the parent that instances are forked from.

What the app's libraries would load at their first use, each worker for itself: the half of the openai
client, and its transport, that are imported lazily; and botocore's description of S3, which the default
session keeps.
"""

import contextlib

import boto3
import openai

NOBODY = "http://127.0.0.1:9/v1"  # port 9: discard (RFC 863), which nothing serves

with openai.OpenAI(base_url=NOBODY, api_key="none", max_retries=0, timeout=1) as client:
    COMPLETIONS = client.chat.completions
    with contextlib.suppress(openai.APIConnectionError):
        client.models.list()

boto3.client("s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
