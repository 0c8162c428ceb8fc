"""``make clean`` for the engine: what killed harnesses have left, and the images built for earlier code."""

from __future__ import annotations

from harness.errors import PartMissing
from harness.runtimes.docker import engine, image


def main() -> None:
    try:
        client = engine.connect()
    except PartMissing:  # nothing can be there
        return
    for mark in engine.remove_forsaken(client):
        print(f"docker: removed what run {mark} had left")
    for tag in image.remove(client):
        print(f"docker: removed image {tag}")


if __name__ == "__main__":
    main()
