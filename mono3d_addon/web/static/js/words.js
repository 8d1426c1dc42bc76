// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and times as people read them.

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

/** Returns a count with its thousands marked. */
export function count(number) {
  return WHOLE.format(number);
}

/** Returns a value of a setting, with its unit. */
export function quantity(value, unit) {
  return unit ? `${SHORT.format(value)} ${unit}` : SHORT.format(value);
}

/** Returns a time of some seconds: "7 s", "1 min 05 s". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Returns the size of a file in words. */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Returns a name of the program, such as "ball_pivoting", as words; "auto" stays as it is. */
export function option(name) {
  return name.replaceAll("_", " ");
}

/** Returns a word with a capital at its start. */
export function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
