// SPDX-License-Identifier: GPL-3.0-or-later
// The choice of the page's language, which the browser keeps in a cookie: the server sends the page in it.

import { LANGUAGE, LANGUAGES } from "./catalogue.js";
import { find, make } from "./element.js";

const COOKIE = "mono3d_language";
const YEAR = 31_536_000;

/** Fills the list of languages; another choice loads the page again. */
export function offerLanguages() {
  const list = find("language");
  const choices = Object.entries(LANGUAGES).map(([code, name]) => make("option", { value: code, lang: code, text: name }));
  list.replaceChildren(...choices);
  list.value = LANGUAGE;
  list.addEventListener("change", () => {
    const path = new URL(".", document.baseURI).pathname;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${COOKIE}=${list.value}; path=${path}; max-age=${YEAR}; samesite=lax${secure}`;
    location.reload();
  });
}
