// SPDX-License-Identifier: GPL-3.0-or-later
// Helpers for DOM elements.

import { languageOf } from "./texts.js";

/** Returns the element with an id; throws if the page has none. */
export function find(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element '${id}'.`);
  return found;
}

/**
 * Returns a new element.
 *
 * `details` holds attributes; `text` is its text, `on` an object of listeners by event. False and undefined attributes
 * are left out, true ones are set empty.
 */
export function make(tag, { text, on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Shows a text of `t` or `heard`, and marks it as English if it has no translation. */
export function tell(element, words) {
  element.textContent = words;
  const language = languageOf(words);
  if (language) element.lang = language;
  else element.removeAttribute("lang");
}

/** Announces a sentence to screen readers. */
export function announce(sentence) {
  const place = find("announcement");
  if (place.textContent !== sentence) place.textContent = sentence;
}

/** Moves the focus and scrolls no more than needed. */
export function focus(element) {
  element.focus({ preventScroll: true });
  const top = element.getBoundingClientRect().top;
  if (top < 0 || top > window.innerHeight * 0.5) element.scrollIntoView({ block: "start" });
}
