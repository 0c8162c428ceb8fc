// A Node server that keeps what was said in memory; it listens on PORT and knows nothing of the harness.
const said = {};
require("http").createServer((request, response) => {
  const url = new URL(request.url, "http://here");
  const room = url.searchParams.get("room");
  let text = "";
  request.on("data", (part) => { text += part; });
  request.on("end", () => {
    if (request.method === "POST") (said[room] = said[room] || []).push(text);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ said: said[room] || [] }));
  });
}).listen(process.env.PORT, "127.0.0.1");
