"""Imported once, in the parent that instances are forked from.

What the app's libraries would load at their first use, each worker for itself: the half of the openai
client that it imports lazily, and botocore's description of S3, which the default session keeps.
"""

import boto3
import openai

with openai.OpenAI(base_url="http://127.0.0.1/v1", api_key="none") as client:
    LOADED = (client.models, client.chat.completions)

boto3.client("s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
