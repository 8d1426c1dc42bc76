// SPDX-License-Identifier: GPL-3.0-or-later
// The buttons below the 3D view, and their keys while the view has the focus.

import { announce, find } from "./element.js";
import { t } from "./texts.js";

/** The styles of model.js, which comes later than this. */
const SURFACE = "surface";
const WIRES = "wires";
const POINTS = "points";

const TURN = Math.PI / 24;
const MOVE = 30;
const ZOOM = 1.15;

/** Connects buttons and keys to a viewer; returns a function that updates the pressed state of the buttons. */
export function addControls(viewer) {
  const box = find("viewer");
  const renew = () => {
    press("through", viewer.isThrough);
    press("wireframe", viewer.style === WIRES);
    press("points", viewer.style === POINTS);
    press("texture", viewer.hasColours);
    press("background", box.dataset.background === "dark");
    press("sway", viewer.isSwaying);
    press("free", viewer.isFree);
    find("free").hidden = !viewer.isLimited;
  };
  const told = (sentence) => {
    renew();
    announce(sentence);
  };
  const actions = {
    through: () => {
      viewer.goThrough();
      told(t("View through the photo's camera."));
    },
    beside: () => {
      viewer.goBeside();
      told(t("View reset."));
    },
    wireframe: () => {
      viewer.setStyle(viewer.style === WIRES ? SURFACE : WIRES);
      told(viewer.style === WIRES ? t("Wireframe on.") : t("Wireframe off."));
    },
    points: () => {
      viewer.setStyle(viewer.style === POINTS ? SURFACE : POINTS);
      told(viewer.style === POINTS ? t("Points on.") : t("Points off."));
    },
    texture: () => {
      viewer.setColours(!viewer.hasColours);
      told(viewer.hasColours ? t("Photo colours on.") : t("Photo colours off."));
    },
    background: () => {
      box.dataset.background = box.dataset.background === "dark" ? "light" : "dark";
      told(box.dataset.background === "dark" ? t("The background is dark.") : t("The background is light."));
    },
    sway: () => {
      viewer.setSway(!viewer.isSwaying);
      told(viewer.isSwaying ? t("The view sways.") : t("The view stands still."));
    },
    free: () => {
      if (!viewer.isLimited) return;
      viewer.setFree(!viewer.isFree);
      told(viewer.isFree ? t("The view turns all around.") : t("The view stays near the photo's camera."));
    },
    fullscreen: () => toggleFullscreen(box),
  };
  for (const [id, act] of Object.entries(actions)) find(id).addEventListener("click", act);
  find("canvas").addEventListener("keydown", (event) => {
    const act = actionOf(event, viewer, actions);
    if (!act) return;
    event.preventDefault();
    act();
  });
  find("fullscreen").hidden = !document.fullscreenEnabled;
  if (matchMedia("(prefers-color-scheme: dark)").matches) box.dataset.background = "dark";
  renew();
  return renew;
}

/** Returns the action of a key, or undefined; arrows turn in their direction. */
function actionOf(event, viewer, actions) {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const { shiftKey, key } = event;
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (key in ways) {
    const [right, down] = ways[key];
    return shiftKey ? () => viewer.move(MOVE * right, MOVE * down) : () => viewer.turn(TURN * right, TURN * down);
  }
  const others = {
    "+": () => viewer.zoom(ZOOM),
    "=": () => viewer.zoom(ZOOM),
    "-": () => viewer.zoom(1 / ZOOM),
    c: actions.through,
    r: actions.beside,
    w: actions.wireframe,
    p: actions.points,
    t: actions.texture,
    b: actions.background,
    f: actions.fullscreen,
    s: actions.sway,
    o: actions.free,
  };
  return others[key.toLowerCase()];
}

function press(id, isOn) {
  find(id).setAttribute("aria-pressed", String(isOn));
}

function toggleFullscreen(box) {
  if (!document.fullscreenEnabled) return;
  if (document.fullscreenElement) document.exitFullscreen();
  else box.requestFullscreen();
}
