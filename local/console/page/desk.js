// The console's own interface: what is told live, and orders to the cloud.

const SECRET = document.querySelector("meta[name=console-secret]").content;
const listeners = {};

/** Calls `listener` with the data of every event of this name: state, line, work, worked, plots, open, closed. */
export function on(name, listener) {
  (listeners[name] ??= []).push(listener);
}

function tell(name, data) {
  for (const listener of listeners[name] ?? []) listener(data);
}

/** Asks the console. Fails with its own words. */
export async function ask(method, path, body) {
  const headers = { "x-console-secret": SECRET };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim() || `the console answered ${response.status}`);
  return (response.headers.get("content-type") ?? "").startsWith("application/json") ? JSON.parse(text) : text;
}

/** Listens for as long as the page is open. By `fetch`, because an EventSource cannot send the secret. */
export async function listen() {
  for (;;) {
    try {
      const response = await fetch("/live", { headers: { "x-console-secret": SECRET } });
      // A console that was started anew has another secret, and another page.
      if (response.status === 403) return location.reload();
      if (!response.ok) throw new Error();
      tell("open");
      await read(response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      // The console has gone, or never was there: told below, and tried again.
    }
    tell("closed");
    await new Promise((done) => setTimeout(done, 1000));
  }
}

async function read(reader) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const field = (name) =>
        event.split("\n").filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
      const [name] = field("event");
      if (name) tell(name, JSON.parse(field("data").join("\n")));
    }
  }
}
