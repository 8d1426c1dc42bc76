// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures of the model for browsers without WebGL: a still one, then one that moves.

import * as api from "./api.js";
import { find } from "./element.js";
import { t } from "./texts.js";

const SENTENCE = t("This browser cannot show 3D; here are pictures of the model. Downloads work.");

/** Shows pictures of a job's model, which the server makes; `isWanted` returns whether they still are. */
export async function showStill(id, isWanted) {
  const place = find("still");
  find("viewer-failure").textContent = SENTENCE;
  find("viewer-failure").hidden = false;
  const likesMotion = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const name of likesMotion ? ["picture", "turntable"] : ["picture"]) {
    try {
      const response = await api.file(api.address(id, "files", name));
      const url = URL.createObjectURL(await response.blob());
      place.onload = () => URL.revokeObjectURL(url);
      if (!isWanted()) return;
      place.src = url;
      place.hidden = false;
      find("poster").hidden = true;
    } catch (failure) {
      if (isWanted()) find("viewer-failure").textContent = `${SENTENCE} ${failure.message}`;
      return;
    }
  }
}
