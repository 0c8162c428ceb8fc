"""An ASGI app: a WebSocket that echoes, and events of which the second waits until somebody asks for it."""

import asyncio

go_on = asyncio.Event()


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"echo {message['text']}"})
    elif scope["type"] == "http" and scope["path"] == "/events":
        await answer(send, "text/event-stream")
        await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"data: second\n\n"})
    elif scope["type"] == "http":
        if scope["path"] == "/go-on":
            go_on.set()
        await answer(send, "text/plain")
        await send({"type": "http.response.body", "body": b"yes"})


async def answer(send, kind):
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
