// SPDX-License-Identifier: GPL-3.0-or-later
// Says things in the language of the page.

import { LANGUAGE, TEXTS } from "./catalogue.js";

const ENGLISH = "en";
/** A sentence whose own words have fewer letters than this would match nearly everything. */
const LEAST_LETTERS = 4;

let patterns = null;
const untranslated = new Set();

/** Returns a text of the page, its {placeholders} filled with `values`. */
export function t(text, values = {}) {
  return filled(TEXTS[text] ?? text, values);
}

/**
 * Returns what the server says, in English and filled in, in the language of the page.
 *
 * It stays English if the catalogue lacks it; `languageOf` tells.
 */
export function heard(words) {
  if (LANGUAGE === ENGLISH || !words) return words;
  const found = known(words) ?? listed(words);
  if (found === null && /[a-z]{2}/i.test(words)) untranslated.add(words);
  return found ?? words;
}

/** Returns the code of the language of a text that `t` or `heard` returned, if it is not the page's; else null. */
export function languageOf(words) {
  return untranslated.has(words) ? ENGLISH : null;
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function known(words) {
  if (Object.hasOwn(TEXTS, words)) return TEXTS[words];
  // Blender adds the full stop of its explanations.
  if (words.endsWith(".") && Object.hasOwn(TEXTS, words.slice(0, -1))) return `${TEXTS[words.slice(0, -1)]}.`;
  for (const { pattern, text } of (patterns ??= patternsOf())) {
    const found = pattern.exec(words);
    if (found) return filled(text, Object.fromEntries(Object.entries(found.groups).map(([name, value]) => [name, known(value) ?? listed(value) ?? value])));
  }
  return null;
}

/** Returns an enumeration of which every part is known, or has no words. */
function listed(words) {
  const parts = words.split(", ").map((part) => known(part) ?? (/[a-z]{3}/.test(part) ? null : part));
  return parts.length > 1 && !parts.includes(null) ? parts.join(", ") : null;
}

/** Returns the texts with placeholders as patterns; those with most words of their own come first. */
function patternsOf() {
  const own = (text) => text.replace(/\{\w+\}|\W/g, "").length;
  return Object.entries(TEXTS)
    .filter(([text]) => text.includes("{") && own(text) >= LEAST_LETTERS)
    .sort(([one], [other]) => own(other) - own(one))
    .map(([original, text]) => {
      const escaped = original.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
      return { pattern: new RegExp(`^${escaped.replace(/\{(\w+)\}/g, "(?<$1>.+?)")}$`), text };
    });
}
