"""An OpenAI-compatible server shaped like vLLM 0.33, whose answers follow a script.

It picks a tool and its arguments from the question and the tools offered, and words the final answer
from the tool's result alone: a right number can come from nowhere else.
"""
