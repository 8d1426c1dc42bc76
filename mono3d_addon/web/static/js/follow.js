// SPDX-License-Identifier: GPL-3.0-or-later
// Follows one job by the server's events, through lost connections too.

import * as api from "./api.js";
import { patiently } from "./presence.js";

const OVER = new Set(["done", "failed", "cancelled"]);
const PAUSE = 1000;

/** Tells whether nothing more will happen to a job by itself. */
export function isOver(status) {
  return OVER.has(status.state);
}

/**
 * Tells `onStatus` of each change of a job until it is over, and `onFailure` when there is no such job any more.
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
