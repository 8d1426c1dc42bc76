// SPDX-License-Identifier: GPL-3.0-or-later
// Folded groups of fields: basic ones first, advanced ones folded once more, each group with its count of changes.

import { make } from "./element.js";
import { heard, t } from "./texts.js";

/** Whether a field belongs to the basic ones, which are shown first. */
export function isBasic(field) {
  return field.spec.level === "basic";
}

/**
 * Returns a folded group: its element, and `renew`, which updates the counts of changed fields.
 *
 * Advanced fields follow under "More", unless the group has nothing else. `others` are further elements of the group.
 */
export function makeGroup(name, fields, ...others) {
  const title = heard(name);
  const basic = fields.filter(isBasic);
  const advanced = fields.filter((field) => !isBasic(field));
  if (!advanced.length || !(basic.length || others.length)) {
    return makeDetails({ "data-group": name }, [title], fields, ...others);
  }
  const more = makeDetails({ class: "more" }, [t("More"), make("span", { class: "unseen", text: ` (${title})` })], advanced);
  const whole = makeDetails({ "data-group": name }, [title], basic, ...others, more.element);
  const count = () => {
    whole.renew(advanced);
    more.renew();
  };
  return { element: whole.element, renew: count };
}

function makeDetails(attributes, title, fields, ...others) {
  const changed = make("span", { class: "changed" });
  const element = make(
    "details",
    attributes,
    make("summary", {}, ...title, changed),
    make("div", { class: "group-fields" }, ...fields.map((field) => field.element), ...others),
  );
  const renew = (nested = []) => {
    const count = [...fields, ...nested].filter((field) => field.isChanged).length;
    changed.textContent = count ? t("{count} changed", { count }) : "";
  };
  return { element, renew };
}

/** Hides the fields that change nothing beside the values of the others; `fields` has all of them by name. */
export function showThoseWithEffect(fields) {
  for (const field of fields.values()) {
    const needed = field.spec.only_with;
    field.element.hidden = needed !== null && !needed.values.includes(fields.get(needed.name).value);
  }
}

/** Returns the values of those fields that differ from the defaults, by name. */
export function changes(fields) {
  return Object.fromEntries(fields.filter((field) => field.isChanged).map((field) => [field.spec.name, field.value]));
}
