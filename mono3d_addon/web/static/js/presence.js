// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the server is there. While it is not, the page says so and asks every two seconds.

import * as api from "./api.js";
import { find } from "./element.js";

const PAUSE = 2000;

let waiting = null;

/** Returns when the server answers again; says that it does not until then. */
export function whenBack() {
  waiting ??= ask().finally(() => (waiting = null));
  return waiting;
}

async function ask() {
  const place = find("away");
  place.textContent = "The server does not answer. This page goes on by itself when it is back.";
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    try {
      await api.about();
      break;
    } catch (failure) {
      if (!failure.isAway) break;
    }
  }
  place.textContent = "";
}

/** Returns what `call` returns, called again each time that the server is back. */
export async function patiently(call) {
  for (;;) {
    try {
      return await call();
    } catch (failure) {
      if (!failure.isAway) throw failure;
      await whenBack();
    }
  }
}
