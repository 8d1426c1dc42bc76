// SPDX-License-Identifier: GPL-3.0-or-later
// Follows a job through server-sent events and reconnects after failures.

import * as api from "./api.js";
import { patiently } from "./presence.js";

const OVER = new Set(["done", "failed", "cancelled"]);
const PAUSE = 1000;

/** Returns whether a job has ended. */
export function isOver(status) {
  return OVER.has(status.state);
}

/**
 * Calls `onStatus` for each change of a job until it ends, and `onFailure` if the job no longer exists.
 *
 * Returns a function that stops it.
 */
export function follow(id, onStatus, onFailure) {
  let source = null;
  let stopped = false;

  const stop = () => {
    stopped = true;
    source?.close();
  };

  const tell = (status) => {
    if (stopped) return;
    if (isOver(status)) stop();
    onStatus(status);
  };

  const listen = () => {
    if (stopped) return;
    source = new EventSource(api.address(id, "events"));
    source.addEventListener("message", (event) => tell(JSON.parse(event.data)));
    source.addEventListener("error", again);
  };

  const again = async () => {
    source.close();
    if (stopped) return;
    try {
      tell(await patiently(() => api.status(id)));
    } catch (failure) {
      if (!stopped) onFailure(failure);
      stop();
    }
    setTimeout(listen, PAUSE);
  };

  listen();
  return stop;
}
