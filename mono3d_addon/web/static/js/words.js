// SPDX-License-Identifier: GPL-3.0-or-later
// Formats numbers and times for people.

import { LANGUAGE } from "./catalogue.js";
import { heard, t } from "./texts.js";

const WHOLE = new Intl.NumberFormat(LANGUAGE);
const THREE = new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 3 });
const SHORT = new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 6 });
const TENTHS = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Returns a count with thousands separators. */
export function count(number) {
  return WHOLE.format(number);
}

/** Returns a value of a setting, with its unit. */
export function quantity(value, unit) {
  return unit ? `${SHORT.format(value)} ${heard(unit)}` : SHORT.format(value);
}

/** Returns a length in metres, without the unit, with three digits. */
export function metres(length) {
  return THREE.format(length);
}

/** Returns a duration in seconds as text: "7 s", "1 min 05 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Returns a file size as text. */
export function size(bytes) {
  if (bytes < 1e6) return t("{number} kB", { number: Math.max(1, Math.round(bytes / 1e3)) });
  return t("{number} MB", { number: tenths(bytes / 1e6) });
}

/** Returns an option such as "ball_pivoting" as words. */
export function option(name) {
  const words = name.replaceAll("_", " ");
  return LANGUAGE === "en" ? words : heard(capital(words));
}

/** Returns a number with one digit after the point. */
export function tenths(number) {
  return TENTHS.format(number);
}

/** Returns a moment, an ISO text, as date and time. */
export function date(moment) {
  const language = LANGUAGE === "en" ? [] : LANGUAGE;
  return new Date(moment).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}

/** Returns words as they stand inside a sentence; German nouns keep their capitals. */
export function inSentence(words) {
  return LANGUAGE === "de" ? words : words.toLowerCase();
}

/** Returns a word with its first letter capitalised. */
export function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
