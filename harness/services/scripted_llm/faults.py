"""The misconfigurations the server can imitate, each one line."""

FAULTS = {
    "none": "everything as it should be",
    "no-tool-flags": "started without --enable-auto-tool-choice and --tool-call-parser: 400",
    "no-tool-flags-flat": "the same, with the body that vLLM sent before 0.10.1",
    "wrong-parser": "a parser for another model: the call arrives as text",
    "unknown-model": "serves another model: 404",
    "context-too-long": "a --max-model-len too small for any prompt: 400",
    "busy": "a busy model: every turn takes nearly half a second",
    "slow": "a very busy one: every turn takes more than a second",
    "timeout": "accepts the request and never answers",
    "cut-stream": "the connection ends in the middle of the answer",
    "server-error": "the engine is dead: 500",
    "overloaded": "a retryable failure: 503",
    "invent": "final answers have numbers of the model's own invention",
}
