"""``python -m harness.services.scripted_llm --port 8000 --fault no-tool-flags``."""

from __future__ import annotations

import logging

import click
from werkzeug.serving import make_server

from harness.services.scripted_llm.app import MODEL, create_app
from harness.services.scripted_llm.faults import FAULTS


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--model", default=MODEL, show_default=True)
@click.option("--fault", type=click.Choice(list(FAULTS)), default="none", show_default=True)
@click.option("--max-model-len", type=click.IntRange(1), default=8192, show_default=True)
def main(host: str, port: int, model: str, fault: str, max_model_len: int) -> None:
    """Serve the scripted LLM.

    Example: python -m harness.services.scripted_llm --port 8000 --fault wrong-parser
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_app(model=model, fault=fault, max_model_len=max_model_len)
    make_server(host, port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
