// SPDX-License-Identifier: GPL-3.0-or-later
// The choice of a model: three words first, then all models folded, and the question for a licence.

import { find, make } from "./element.js";
import { heard, t } from "./texts.js";

const FIRST = ["starter", "better", "best"];

/** The field of the setting "model"; `models` are the server's rows, those that are here first. */
export class ModelField {
  constructor(spec, models, onInput) {
    this.spec = spec;
    this.value = spec.default;
    this._models = new Map(models.map((model) => [model.name, model]));
    this._accepted = new Set();
    this._onInput = onInput;
    this._inputs = new Map();
    this._licence = make("div", { class: "licence", id: "model-licence", hidden: true });
    const first = FIRST.map((grade) => models.find((model) => model.grade === grade)).filter(Boolean);
    const others = models.filter((model) => !first.includes(model));
    this._title = make("span", { class: "muted" });
    this._all = make(
      "details",
      { class: "more" },
      make("summary", {}, t("All models"), " ", this._title),
      make("div", { class: "all-models" }, ...others.map((model) => this._makeChoice(model))),
    );
    this.element = make(
      "fieldset",
      { class: "field models", id: `form-${spec.name}`, "data-name": spec.name },
      make("legend", { text: spec.label }),
      ...first.map((model) => this._makeChoice(model)),
      this._all,
    );
    this.show(spec.default);
  }

  /** Whether the value differs from the default. */
  get isChanged() {
    return this.value !== this.spec.default;
  }

  /** Whether nothing has to be answered first. */
  get isValid() {
    const model = this._models.get(this.value);
    return !model || model.is_for_all_use || this._accepted.has(model.name);
  }

  /** Chooses a model without calling `onInput`. */
  show(value) {
    this.value = value;
    for (const [name, input] of this._inputs) input.checked = name === value;
    const model = this._models.get(value);
    this._title.textContent = model && !FIRST.includes(model.grade) ? heard(model.label) : "";
    this._ask(model);
  }

  /** Moves the focus to the question that is open, else to the chosen model. */
  focus() {
    const open = this._licence.querySelector("input") ?? this._inputs.get(this.value);
    if (!this._licence.contains(open)) this._all.open ||= this._all.contains(open);
    open.focus();
  }

  _makeChoice(model) {
    const id = `form-model-${model.name}`;
    const input = make("input", { type: "radio", name: "model", id, value: model.name, disabled: !model.is_here, "aria-describedby": `${id}-about` });
    input.addEventListener("change", () => {
      this.show(model.name);
      this._onInput();
    });
    this._inputs.set(model.name, input);
    const where = model.is_here ? "" : `${t("Not on this server:")} `;
    const gives = model.gives ? t("gives {what}", { what: heard(model.gives) }) : "";
    const about = where + [heard(model.summary), gives, heard(model.accuracy)].filter(Boolean).join("; ");
    return make(
      "label",
      { class: "model", title: heard(model.choose_when) },
      make("span", {}, input, heard(model.label)),
      make("span", { class: "muted small", id: `${id}-about`, text: about }),
    );
  }

  /** Asks for the licence of a model whose weights are not for all use, once. */
  _ask(model) {
    const isOpen = Boolean(model) && !model.is_for_all_use && !this._accepted.has(model.name);
    this._licence.hidden = !isOpen;
    if (!isOpen) {
      this._licence.replaceChildren();
      return;
    }
    const box = make("input", { type: "checkbox", id: "model-accepts" });
    box.addEventListener("change", () => {
      if (box.checked) this._accepted.add(model.name);
      else this._accepted.delete(model.name);
    });
    this._inputs.get(model.name).closest("label").after(this._licence);
    this._licence.replaceChildren(
      make("p", { text: heard(model.question) }),
      make("p", {}, make("a", { href: model.licence_address, target: "_blank", rel: "noreferrer", text: t("Read {licence}", { licence: model.licence }) })),
      make("label", { for: "model-accepts" }, box, t("My work is not commercial, and I accept the licence")),
    );
  }
}

/**
 * Tells, once per visit, after a result by the starter, what the next better model would bring.
 *
 * `choose` is called with its name if the visitor wants it, which is possible where it is on the server.
 */
export class NextStep {
  constructor(models, choose) {
    this._starter = models.find((model) => model.grade === "starter");
    this._better = models.find((model) => model.grade === "better");
    this._job = "";
    find("next-step-take").addEventListener("click", () => choose(this._better.name));
    find("next-step-dismiss").addEventListener("click", () => (find("next-step").hidden = true));
  }

  /** Shows it below the result of a job, or hides it. */
  show({ id, result }) {
    const isDue = result.model === this._starter?.name && this._better && !this._job;
    if (isDue) {
      this._job = id;
      const where = t("It is not on this server. To add it, the person who runs the server enters: {command}", { command: `models download ${this._better.grade}` });
      find("next-step-words").textContent = `${heard(this._better.promise)}.${this._better.is_here ? "" : ` ${where}`}`;
      find("next-step-take").hidden = !this._better.is_here;
      find("next-step").hidden = false;
    } else if (id !== this._job) {
      find("next-step").hidden = true;
    }
  }
}
