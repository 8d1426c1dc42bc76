// SPDX-License-Identifier: GPL-3.0-or-later
// Formats numbers and times for people.

const WHOLE = new Intl.NumberFormat("en");
const THREE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

/** Returns a count with thousands separators. */
export function count(number) {
  return WHOLE.format(number);
}

/** Returns a value of a setting, with its unit. */
export function quantity(value, unit) {
  return unit ? `${SHORT.format(value)} ${unit}` : SHORT.format(value);
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
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Returns an option such as "ball_pivoting" as words. */
export function option(name) {
  return name.replaceAll("_", " ");
}

/** Returns a word with its first letter capitalised. */
export function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
