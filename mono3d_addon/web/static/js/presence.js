// SPDX-License-Identifier: GPL-3.0-or-later
// While the server does not answer, the page says so and retries every two seconds.

import * as api from "./api.js";
import { find } from "./element.js";
import { t } from "./texts.js";

const PAUSE = 2000;

let waiting = null;

/** Resolves when the server answers again; shows a message until then. */
export function whenBack() {
  waiting ??= ask().finally(() => (waiting = null));
  return waiting;
}

async function ask() {
  const place = find("away");
  place.textContent = t("The server does not answer. This page continues when it is back.");
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

/** Returns the result of `call`, and repeats it after failures to reach the server. */
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
