// SPDX-License-Identifier: GPL-3.0-or-later
// One stream of events for all pages of a browser: a browser opens only about six connections to a server.
// This is a shared worker. A page posts { base, id, isWanted }; it gets { id, status }, { id, isGone } or { id, isLost }.

const followed = new Map();
let source = null;
let opening = 0;

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data: { base, id, isWanted } }) => {
    if (isWanted) follow(port, base, id);
    else leave(port, id);
  };
});

function follow(port, base, id) {
  if (!followed.has(id)) followed.set(id, new Set());
  followed.get(id).add(port);
  // Several pages that open at once need one stream.
  clearTimeout(opening);
  opening = setTimeout(() => open(base), 20);
}

function leave(port, id) {
  const ports = followed.get(id);
  ports?.delete(port);
  if (ports?.size === 0) followed.delete(id);
  if (followed.size === 0) close();
}

function open(base) {
  close();
  if (followed.size === 0) return;
  const address = new URL("events", base);
  for (const id of followed.keys()) address.searchParams.append("job", id);
  source = new EventSource(address);
  source.addEventListener("message", ({ data }) => {
    const status = JSON.parse(data);
    tell(status.id, { status });
    if (["done", "failed", "cancelled"].includes(status.state)) followed.delete(status.id);
  });
  source.addEventListener("gone", ({ data }) => {
    const { id } = JSON.parse(data);
    tell(id, { isGone: true });
    followed.delete(id);
  });
  source.addEventListener("error", () => {
    close();
    // The pages ask what has become of their jobs, and follow them again.
    for (const id of [...followed.keys()]) tell(id, { isLost: true });
    followed.clear();
  });
}

function close() {
  source?.close();
  source = null;
}

function tell(id, news) {
  for (const port of followed.get(id) ?? []) port.postMessage({ id, ...news });
}
