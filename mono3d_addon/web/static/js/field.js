// SPDX-License-Identifier: GPL-3.0-or-later
// A setting as a form control with label, unit, bounds, help and reset, built from the server's description.

import { make } from "./element.js";
import { scaleOf } from "./slider.js";
import { heard, t } from "./texts.js";
import { capital, option, quantity } from "./words.js";

const STEPS = 240;

/**
 * A setting.
 *
 * `prefix` makes its ids unique, `onInput` is called for each change by the user, `slider` adds a slider.
 */
export class Field {
  constructor(spec, prefix, onInput, { slider = false } = {}) {
    this.spec = spec;
    this.value = spec.default;
    this._onInput = onInput;
    this._id = `${prefix}-${spec.name}`;
    this._wrong = make("p", { class: "wrong", id: `${this._id}-wrong`, hidden: true });
    this._help = make("p", { class: "help", id: `${this._id}-help`, text: helpOf(spec), hidden: true });
    this._mark = make("span", { class: "changed", hidden: true });
    this._scale = slider && ["int", "float"].includes(spec.kind) ? scaleOf(spec) : null;
    this._control = this._makeControl();
    this._reset = this._makeReset();
    this.element = make(
      "div",
      { class: "field", "data-name": spec.name },
      this._makeHead(),
      ...(spec.kind === "bool" ? [] : [this._makeBody()]),
      this._help,
      this._wrong,
    );
    this.show(spec.default);
  }

  /** Whether the value differs from the default. */
  get isChanged() {
    return this.value !== this.spec.default;
  }

  /** Whether the user's input is valid. */
  get isValid() {
    return this._wrong.hidden;
  }

  /**
   * Sets the value without calling `onInput`; `shown` is displayed instead, for values such as 0 that mean "automatic".
   *
   * `isKept` marks a value that the page keeps, which the user has not changed.
   */
  show(value, shown = value, isKept = false) {
    this.value = value;
    this.shown = shown;
    this._mark.textContent = isKept ? t("kept") : t("changed");
    if (this.spec.kind === "bool") this._control.checked = value;
    // Do not rewrite the input while the user types: "1." would become "1".
    else if (document.activeElement !== this._control || Number(this._control.value) !== shown) this._control.value = shown;
    this._reach(shown);
    this._showPlace(shown);
    this._say("");
    this._showChanged();
  }

  /** Opens the groups around it and moves the focus to it. */
  focus() {
    for (let group = this.element.closest("details"); group; group = group.parentElement.closest("details")) group.open = true;
    this._control.focus();
  }

  _makeControl() {
    const { spec } = this;
    const common = { id: this._id, "aria-describedby": `${this._id}-help ${this._id}-wrong` };
    if (spec.kind === "bool") {
      return make("input", { ...common, type: "checkbox", on: { change: (event) => this._take(event.target.checked) } });
    }
    if (spec.options.length) {
      const choices = spec.options.map((name) => make("option", { value: name, text: option(name) }));
      return make("select", { ...common, on: { change: (event) => this._take(event.target.value) } }, ...choices);
    }
    const isWhole = spec.kind === "int";
    return make("input", {
      ...common,
      type: "number",
      inputmode: isWhole ? "numeric" : "decimal",
      min: spec.minimum,
      max: spec.maximum,
      step: isWhole ? 1 : "any",
      on: { input: () => this._takeNumber() },
    });
  }

  _makeHead() {
    const { spec } = this;
    const name = make("label", { for: this._id }, ...(spec.kind === "bool" ? [this._control] : []), spec.label);
    const more = make("button", {
      type: "button",
      class: "tiny",
      text: "?",
      "aria-label": t("What {name} means", { name: spec.label }),
      "aria-expanded": "false",
      "aria-controls": this._help.id,
    });
    more.addEventListener("click", () => {
      this._help.hidden = !this._help.hidden;
      more.setAttribute("aria-expanded", String(!this._help.hidden));
    });
    return make("div", { class: "field-head" }, name, this._mark, this._reset, more);
  }

  _makeReset() {
    const { spec } = this;
    return make("button", {
      type: "button",
      class: "tiny",
      text: t("Reset"),
      "aria-label": t("Reset {name} to {value}", { name: spec.label, value: wordsOf(spec, spec.default) }),
      hidden: true,
      on: {
        click: () => {
          this._control.focus();
          this.show(spec.default);
          this._onInput(this);
        },
      },
    });
  }

  _makeBody() {
    const body = make("div", { class: "field-control" });
    if (this._scale) {
      this._slider = make("input", {
        type: "range",
        min: 0,
        max: STEPS,
        step: 1,
        "aria-label": t("{name}, slider", { name: this.spec.label }),
        "aria-describedby": this._help.id,
        on: { input: () => this._slide() },
      });
      body.append(this._slider);
    }
    body.append(this._control);
    if (this.spec.unit) body.append(make("span", { class: "unit", text: heard(this.spec.unit), "aria-hidden": "true" }));
    return body;
  }

  _slide() {
    const value = this._scale.toValue(Number(this._slider.value) / STEPS);
    this._control.value = value;
    this._slider.setAttribute("aria-valuetext", wordsOf(this.spec, value));
    this._take(value);
  }

  _takeNumber() {
    const { spec } = this;
    const value = this._control.valueAsNumber;
    const fits = !(value < (spec.minimum ?? -Infinity)) && !(value > (spec.maximum ?? Infinity));
    if (Number.isNaN(value) || !fits || (spec.kind === "int" && !Number.isInteger(value))) {
      const bounds = boundsOf(spec);
      const values = { name: spec.label, bounds: bounds && ` ${bounds}` };
      this._say(spec.kind === "int" ? t("{name}: enter a whole number{bounds}.", values) : t("{name}: enter a number{bounds}.", values));
      return;
    }
    this._showPlace(value);
    this._take(value);
  }

  _take(value) {
    this.value = this.shown = value;
    this._mark.textContent = t("changed");
    this._say("");
    this._showChanged();
    this._onInput(this);
  }

  /** Extends the range of the slider if a value from the server lies outside it. */
  _reach(value) {
    if (!this._scale) return;
    const reached = this._scale.toValue(this._scale.toPlace(value));
    // Slider values have three digits.
    if (Math.abs(reached - value) > 0.01 * Math.abs(value)) this._scale = scaleOf({ ...this.spec, default: value, typical: value }) ?? this._scale;
  }

  _showPlace(value) {
    if (!this._slider) return;
    this._slider.value = Math.round(this._scale.toPlace(value) * STEPS);
    this._slider.setAttribute("aria-valuetext", wordsOf(this.spec, value));
  }

  _showChanged() {
    this._mark.hidden = !this.isChanged;
    this._reset.hidden = !this.isChanged;
  }

  _say(sentence) {
    this._wrong.textContent = sentence;
    this._wrong.hidden = sentence === "";
    if (sentence) this._control.setAttribute("aria-invalid", "true");
    else this._control.removeAttribute("aria-invalid");
  }
}

/** Returns the value of a setting as text. */
export function wordsOf(spec, value) {
  if (spec.kind === "bool") return value ? t("on") : t("off");
  if (value === 0 && spec.typical) return t("automatic");
  return typeof value === "number" ? quantity(value, spec.unit) : option(value);
}

function boundsOf(spec) {
  if (spec.minimum === null || spec.maximum === null) return "";
  return t("from {least} to {most}", { least: quantity(spec.minimum), most: quantity(spec.maximum, spec.unit) });
}

function helpOf(spec) {
  const bounds = ["int", "float"].includes(spec.kind) ? boundsOf(spec) : "";
  const usual = t("default: {value}", { value: wordsOf(spec, spec.default) });
  return `${spec.help}. ${capital([bounds, usual].filter(Boolean).join(", "))}.`;
}
