// SPDX-License-Identifier: GPL-3.0-or-later
// News of a job, from the stream of events that all pages of this browser share; where they cannot share one, by asking.

import * as api from "./api.js";

const OFTEN = 700;
const SELDOM = 5000;

let shared = null;
/** How many parts of this page want the news of each job. */
const wanted = new Map();

/**
 * Calls `onStatus` with the changes of a job, and `onLost` if no more will come.
 *
 * Returns a function that ends it.
 */
export function listen(id, onStatus, onLost) {
  shared ??= open();
  return shared ? listenTo(shared, id, onStatus, onLost) : ask(id, onStatus, onLost);
}

/** Returns the port of the shared worker; null where there is none, as in some browsers on phones. */
function open() {
  if (!window.SharedWorker) return null;
  try {
    const worker = new SharedWorker(new URL("static/js/events_worker.js", document.baseURI), { name: "mono3d events" });
    worker.addEventListener("error", () => {
      shared = false;
      dispatchEvent(new Event("newslost"));
    });
    worker.port.start();
    return worker.port;
  } catch {
    return null;
  }
}

function listenTo(port, id, onStatus, onLost) {
  const hear = ({ data }) => {
    if (data.id !== id) return;
    if (data.status) onStatus(data.status);
    else lose();
  };
  const lose = () => {
    stop();
    onLost();
  };
  const stop = () => {
    port.removeEventListener("message", hear);
    removeEventListener("newslost", lose);
    removeEventListener("pagehide", leave);
    leave();
  };
  let isLeft = false;
  const leave = () => {
    if (isLeft) return;
    isLeft = true;
    wanted.set(id, wanted.get(id) - 1);
    if (wanted.get(id)) return;
    wanted.delete(id);
    port.postMessage({ id, isWanted: false });
  };
  port.addEventListener("message", hear);
  addEventListener("newslost", lose);
  addEventListener("pagehide", leave);
  wanted.set(id, (wanted.get(id) ?? 0) + 1);
  port.postMessage({ base: api.BASE.href, id, isWanted: true });
  return stop;
}

/** Asks for the status again and again, seldom while nobody sees the page. */
function ask(id, onStatus, onLost) {
  let timer = 0;
  let isStopped = false;
  const next = async () => {
    try {
      const status = await api.status(id);
      if (isStopped) return;
      timer = setTimeout(next, document.hidden ? SELDOM : OFTEN);
      onStatus(status);
    } catch {
      if (!isStopped) onLost();
    }
  };
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
  };
  next();
  return stop;
}
