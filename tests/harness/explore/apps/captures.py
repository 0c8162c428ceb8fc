"""A WSGI app that gives each user five values in five places and wants them all back.

It also shows how the parts of a form arrived.
"""

import email
import json
import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

given = {}
KINDS = ("css", "regex", "header", "cookie", "json")


def app(environ, start_response):
    jar = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    user = jar["user"].value if "user" in jar else secrets.token_hex(4)
    status, headers = "200 OK", [("Set-Cookie", f"user={user}; Path=/")]
    path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if path == "/page":
        values = given[user] = {kind: secrets.token_hex(4) for kind in KINDS}
        headers += [("X-Token", values["header"]), ("Set-Cookie", f"told={values['cookie']}; Path=/")]
        text = f"<input name='csrf' value='{values['css']}'><script>code = '{values['regex']}'</script>"
    elif path == "/data":
        text = json.dumps({"items": [{"id": given.get(user, {}).get("json")}]})
    elif path == "/parts" and environ["REQUEST_METHOD"] == "POST":
        head = f"Content-Type: {environ['CONTENT_TYPE']}\r\n\r\n".encode()
        parts = email.message_from_bytes(head + body).get_payload()
        given[user] = [
            (part["Content-Disposition"], part["Content-Type"], part.get_payload(decode=True))
            for part in parts
        ]
        text = "kept"
    elif path == "/parts" and user in given:
        status, text = "200 OK", repr(given[user])
    elif user not in given:
        status, text = "404 Not Found", "nobody of that name"
    else:
        form = parse_qs(body.decode())
        found = {
            "css": form["csrf"][0],
            "regex": form["code"][0],
            "header": environ["HTTP_X_TOKEN"],
            "cookie": query["told"][0],
            "json": query["id"][0],
        }
        same = found == given[user] and form["odd"] == ['a "quoted" $HOME `x` \\ ü&=']
        status, text = ("200 OK", "all there") if same else ("400 Bad Request", f"{found} {form}")
    start_response(status, headers)
    return [text.encode()]
