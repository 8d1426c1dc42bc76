// SPDX-License-Identifier: GPL-3.0-or-later
// Follows a job, also after failures.

import * as api from "./api.js";
import { listen } from "./news.js";
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
  let leave = () => {};
  let isStopped = false;

  const stop = () => {
    isStopped = true;
    leave();
  };

  const tell = (status) => {
    if (isStopped) return;
    if (isOver(status)) stop();
    onStatus(status);
  };

  const begin = () => {
    if (!isStopped) leave = listen(id, tell, again);
  };

  const again = async () => {
    if (isStopped) return;
    try {
      tell(await patiently(() => api.status(id)));
    } catch (failure) {
      if (!isStopped) onFailure(failure);
      stop();
    }
    setTimeout(begin, PAUSE);
  };

  begin();
  return stop;
}
