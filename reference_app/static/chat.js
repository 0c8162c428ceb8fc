// The chat page. Whatever came from data or model is put in as text, never as markup.
"use strict";

const MOST_ROWS = 200;
const $ = (id) => document.getElementById(id);
const limits = { bytes: Number(document.body.dataset.maxBytes), accepted: document.body.dataset.accepted.split(" ") };
let uploaded = null; // the file name, once there is a data set
let sending = null; // the upload under way

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function setState(filename, detail) {
  uploaded = filename;
  $("state").textContent = filename ? `Data set: ${filename}${detail ? ` (${detail})` : ""}` : "No data set uploaded";
  $("leave").hidden = !filename;
}

// A proxy answers in HTML: say its status instead of showing its page.
function parsed(text, status) {
  try {
    const body = JSON.parse(text);
    if (body && typeof body === "object") return body;
  } catch { /* not JSON: below */ }
  return { status: "error", message: `The server answered ${status} without a readable message.` };
}

// ---- upload

function refusal(file) {
  if (!file) return "Choose a file first.";
  if (!limits.accepted.some((suffix) => file.name.toLowerCase().endsWith(suffix))) {
    return `${file.name}: this type is not taken; allowed: ${limits.accepted.join(", ")}.`;
  }
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size > limits.bytes) return `${file.name} is larger than ${limits.bytes} bytes.`;
  return null;
}

function uploading(active) {
  $("upload").disabled = active;
  $("cancel").hidden = !active;
  $("progress-box").hidden = !active;
}

function showProgress(share) {
  const percent = Math.round(share * 100);
  $("progress").value = percent;
  $("percent").textContent = percent < 100 ? `${percent} %` : "100 %, reading the rows…";
}

function upload(file) {
  $("upload-message").textContent = refusal(file) || "";
  if ($("upload-message").textContent || sending) return;
  const form = new FormData();
  form.append("file", file);
  sending = new XMLHttpRequest();
  sending.upload.onprogress = (event) => event.lengthComputable && showProgress(event.loaded / event.total);
  sending.onload = () => uploadEnded(parsed(sending.responseText, sending.status), sending.status);
  sending.onerror = () => uploadEnded({ message: "The server cannot be reached. Please try again." }, 0);
  sending.onabort = () => uploadEnded({ message: "Upload cancelled." }, 0);
  sending.open("POST", "/api/data-analysis/upload");
  showProgress(0);
  uploading(true);
  sending.send(form);
}

function uploadEnded(body, status) {
  sending = null;
  uploading(false);
  if (status !== 200) {
    $("upload-message").textContent = body.message || `The server answered ${status}.`;
    $("file").focus();
    return;
  }
  setState(body.filename, `${body.metadata.rows} rows, ${body.metadata.columns} columns, taken by ${body.instance}`);
  $("file").value = "";
  $("message").focus();
}

$("upload-form").addEventListener("submit", (event) => {
  event.preventDefault();
  upload($("file").files[0]);
});
$("cancel").addEventListener("click", () => sending && sending.abort());
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(type, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", type === "dragenter" || type === "dragover");
    if (type === "drop") upload(event.dataTransfer.files[0]);
  });
}

$("leave").addEventListener("click", async () => {
  try {
    const answer = await fetch("/api/data-analysis/clear-mode", { method: "POST" });
    if (!answer.ok) throw new Error(parsed(await answer.text(), answer.status).message);
    setState(null);
    $("file").focus();
  } catch (error) {
    $("upload-message").textContent = `Data analysis goes on: ${error.message}`;
  }
});

// ---- chat

function table(data) {
  const box = element("div", undefined, "table");
  const made = element("table");
  const shown = data.rows.slice(0, MOST_ROWS);
  const more = data.rows.length > shown.length ? `first ${shown.length} of ${data.rows.length} rows` : `${shown.length} rows`;
  made.append(element("caption", more));
  const head = made.createTHead().insertRow();
  for (const name of data.columns) {
    const cell = element("th", String(name));
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of shown) {
    const line = body.insertRow();
    for (const value of row) {
      line.append(element("td", value === null ? "" : String(value), typeof value === "number" ? "number" : ""));
    }
  }
  box.tabIndex = 0;
  box.append(made);
  return box;
}

function badges(reply, servedBy) {
  const list = element("ul", undefined, "badges");
  const [instance, worker] = (servedBy || "").split("/");
  const who = reply.instance || instance;
  list.append(element("li", who ? `instance ${who}, worker ${reply.worker || worker || "?"}` : "served by: unknown"));
  if (reply.workflow === "data-analysis") list.append(element("li", "Data Analysis", "good"));
  if (reply.workflow === "normal") list.append(element("li", "normal workflow"));
  for (const name of reply.tools || []) list.append(element("li", `tool ${name}`));
  if (reply.error && reply.error.type) list.append(element("li", reply.error.type, "warn"));
  if (reply.workflow === "normal" && uploaded) {
    list.append(element("li", `the normal workflow answered although you uploaded ${uploaded}`, "warn"));
  }
  return list;
}

function say(kind, text, ...extras) {
  const entry = element("article", undefined, kind);
  entry.append(element("p", text), ...extras);
  $("log").append(entry);
  $("log").scrollTop = $("log").scrollHeight;
  return entry;
}

async function send() {
  const message = $("message").value.trim();
  if (!message || $("send").disabled) return;
  $("send").disabled = true;
  $("chat-message").textContent = "";
  const asked = say("user", message);
  try {
    const answer = await fetch("/send_message", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message, is_data_analysis: Boolean(uploaded), tab_context: uploaded ? "data-analysis" : "standard-upload" }),
    });
    const reply = parsed(await answer.text(), answer.status);
    const extras = reply.table && reply.table.rows ? [table(reply.table)] : [];
    say(answer.ok ? "answer" : "answer error", reply.response || reply.message || "", ...extras, badges(reply, answer.headers.get("X-Served-By")));
    if (answer.ok) $("message").value = "";
  } catch {
    asked.remove(); // nothing was answered: the question stays in its box, to be sent again
    $("chat-message").textContent = "The server cannot be reached. Your question is kept; please try again.";
  } finally {
    $("send").disabled = false;
    $("message").focus();
  }
}

$("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});

// ---- after a reload

fetch("/api/data-analysis/status")
  .then((answer) => (answer.ok ? answer.json() : {}))
  .then((state) => state.has_file && !uploaded && setState(state.filename))
  .catch(() => {}); // the page works without; the first upload or question says what is wrong
