// SPDX-License-Identifier: GPL-3.0-or-later
// The 3D view. It renders only after changes, to save power.

import {
  DirectionalLight,
  HemisphereLight,
  MOUSE,
  OrbitControls,
  PerspectiveCamera,
  Quaternion,
  Scene,
  TOUCH,
  Vector3,
  WebGLRenderer,
} from "../vendor/three/three.js";
import { beside } from "./framing.js";
import { asFree, throughLens } from "./lens.js";
import { Limits } from "./limits.js";
import { Model, SURFACE, WIRES } from "./model.js";
import { PhotoTexture } from "./photo_texture.js";
import { Sway } from "./sway.js";
import { record, SECONDS, videoWay } from "./video.js";

const SWING = 900;
/** In a panorama the view turns around a point just in front of the eye. */
const INSIDE_REACH = 0.01;
const INSIDE_SPEED = -0.4;
const LARGEST_RATIO = 2;
const FIRST_SIDE = 640;
/** Longest side of a video, in pixels. */
const VIDEO_SIDE = 1280;
const UP = new Vector3(0, 1, 0);
/** Pixels of the window between two edges of the wireframe. */
const WIRE_PIXELS = 10;
/** From so many cells on, all edges are shown. */
const MOST_CELLS = 1024;

/** Shows one model at a time; `onChange` is called when a state that a button shows has changed. */
export class Viewer {
  constructor(canvas, onChange) {
    /** Called after each frame. */
    this.onDraw = () => {};
    this.isThrough = false;
    this.hasColours = true;
    this.style = SURFACE;
    this.isFree = false;
    this._canvas = canvas;
    this._onChange = onChange;
    this._model = null;
    this._photo = null;
    this._lens = null;
    this._range = "";
    this._isFollowing = false;
    this._swing = 0;
    this._isUntouched = true;
    this._isAsked = false;
    this._isHeld = false;
    this._isSeen = true;
    this._home = null;
    this._renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this._renderer.setPixelRatio(Math.min(window.devicePixelRatio, LARGEST_RATIO));
    this._scene = new Scene();
    this._eye = new PerspectiveCamera();
    this._makeLights();
    this._controls = this._makeControls();
    this._limits = new Limits(this._controls);
    this._sway = new Sway((position) => this._moveTo(position), onChange);
    canvas.addEventListener("webglcontextrestored", () => this._draw());
    new ResizeObserver(() => this._resize()).observe(canvas.parentElement);
    new IntersectionObserver(([entry]) => this._see(entry.isIntersecting)).observe(canvas);
    this._resize();
  }

  /** Whether the view sways. */
  get isSwaying() {
    return this._sway.isOn;
  }

  /** Whether there are angles from which the model does not look good: not around a panorama, nor a closed solid. */
  get isLimited() {
    return Boolean(this._model) && !this._inside && !this._isSolid;
  }

  /** Prepares for the models of another result; `fetch` returns its photo's file with so many pixels a side. */
  async open(fetch) {
    this.clear();
    const photo = new PhotoTexture(fetch);
    this._photo = photo;
    await photo.need(FIRST_SIDE);
  }

  /**
   * Shows the model of a job's `status`.
   *
   * `keep` preserves the user's view; `isSame`: it is the model that is shown already, but finer.
   */
  async show(bytes, { result: { camera, distances, settings }, is_draft: isDraft }, { keep, isSame }) {
    const photo = this._photo;
    const model = await Model.read(bytes, photo.texture, camera);
    if (photo !== this._photo) {
      model.dispose();
      return;
    }
    const before = keep || isSame ? this._model : null;
    if (this._model) {
      this._scene.remove(this._model.group);
      this._model.dispose();
    }
    this._model = model;
    this._lens = camera;
    this._isSolid = Boolean(settings.solid) && settings.solid !== "off";
    this._scene.add(model.group);
    model.dress(this.hasColours, this.style);
    if (!isSame || before === null) this._place(before, [distances.near.metres, distances.far.metres].join(), isDraft);
    this._settle();
    this._draw();
    this._onChange();
  }

  /** Chooses the view of a new model. */
  _place(before, range, isDraft) {
    // The median distance of a draft differs slightly, so the view is adapted from one complete mesh to the next.
    const isFollowing = this._range !== range || this._isFollowing;
    this._isFollowing = isFollowing && isDraft;
    this._range = range;
    if (before === null) {
      this._goBeside(true);
      return;
    }
    // Whoever shapes the model compares it with the one before.
    this._sway.stop();
    if (!this.isThrough && this._isUntouched) {
      this._goBeside(false);
      return;
    }
    this._home = this._findHome();
    this._setLimits();
    if (this.isThrough) this._stand();
    else if (isFollowing) this._follow(before);
  }

  /** Removes the model. */
  clear() {
    this._stopSwing();
    this._photo?.dispose();
    this._photo = null;
    if (!this._model) return;
    this._scene.remove(this._model.group);
    this._model.dispose();
    this._model = null;
    this._draw();
  }

  setColours(isOn) {
    this.hasColours = isOn;
    this._dress();
  }

  /** Shows the model in one of the styles of model.js. */
  setStyle(style) {
    this.style = style;
    if (style === WIRES) this._model?.simplifyWires(this._wireCells());
    this._dress();
  }

  /** Whether the view may be turned to all sides. */
  setFree(isOn) {
    this.isFree = isOn;
    this._setLimits();
    this._limits.comeBack();
  }

  setSway(isOn) {
    if (!isOn) this._stopSwing();
    else if (this._model && !this._inside) {
      this._goBeside(false);
      this._swayFrom(this._home);
    }
    this._onChange();
  }

  /** Looks through the photo's camera, so that the view matches the photo. */
  goThrough() {
    if (!this._model) return;
    this._stopSwing();
    this._stand();
    this._draw();
  }

  /** Looks from slightly beside the camera. */
  goBeside() {
    if (this._model) this._goBeside(false);
  }

  /** Turns by angles in radians, like dragging right and down. */
  turn(right, down) {
    this._free();
    this._controls.rotateLeft(right * this._controls.rotateSpeed);
    this._controls.rotateUp(down * this._controls.rotateSpeed);
    this._limits.comeBack();
  }

  /** Pans by pixels of the window. */
  move(right, down) {
    this._free();
    this._controls.pan(right, down);
  }

  /** Zooms in by a factor, towards the centre of the view. */
  zoom(factor) {
    this._free();
    this._controls.zoomToCursor = false;
    this._controls.dollyIn(1 / factor);
    this._controls.zoomToCursor = true;
    this._settle();
  }

  /**
   * Returns the point of the model at `x`, `y`, shares of the view's width and height from its upper left corner.
   *
   * See `Model.pick`; null where there is none.
   */
  pick(x, y) {
    if (!this._model) return null;
    this._fit();
    this._eye.updateMatrixWorld();
    return this._model.pick({ x: 2 * x - 1, y: 1 - 2 * y }, this._eye);
  }

  /** Returns a picked point of an earlier model on the present one; null where it is cut out. */
  again(picked) {
    return this._model?.again(picked) ?? null;
  }

  /** Returns where a point of the scene is seen, as `pick` takes it, and whether it `isAhead` of the eye. */
  seenAt(point) {
    const { x, y, z } = point.clone().project(this._eye);
    return { x: (x + 1) / 2, y: (1 - y) / 2, isAhead: z < 1 };
  }

  /** Returns the size in pixels of a picture that is `scale` times as large as the view on the screen. */
  pictureSize(scale) {
    const most = this._renderer.capabilities.maxTextureSize;
    const ratio = Math.min(scale * this._renderer.getPixelRatio(), most / Math.max(...this._size));
    return this._size.map((side) => Math.floor(side * ratio));
  }

  /** Returns a canvas with a picture of the view; `paint` draws what is before and behind the model, see `_pictures`. */
  async picture(scale, paint) {
    // Without it the picture is only less sharp.
    await this._photo?.need(this._photoPixels() * scale * this._renderer.getPixelRatio()).catch(() => {});
    return this._pictures(this.pictureSize(scale), paint, (canvas, draw) => {
      draw();
      return canvas;
    });
  }

  /** Whether a video sways around the present view; others turn all around. */
  get isSwayVideo() {
    return this.isLimited && !this.isFree;
  }

  /** Returns the `size` of a video in pixels, its `seconds`, and the `way` in which this browser makes it: see `videoWay`. */
  async videoPlan() {
    const ratio = Math.min(this._renderer.getPixelRatio(), VIDEO_SIDE / Math.max(...this._size));
    // Encoders want even numbers.
    const size = this._size.map((side) => 2 * Math.floor((side * ratio) / 2));
    return { size, way: await videoWay(...size), seconds: SECONDS };
  }

  /** Returns a video, by a plan, in which the view moves and comes back to where it is; see `record` and `picture`. */
  video({ size, way }, paint, options) {
    this._free();
    const { position, target } = { position: this._eye.position.clone(), target: this._controls.target.clone() };
    const away = position.clone().sub(target);
    const angle = (share) => (this.isSwayVideo ? this._home.aside * Math.sin(2 * Math.PI * share) : 2 * Math.PI * share);
    return this._pictures(size, paint, (canvas, draw) => {
      const move = (share) => {
        this._eye.position.copy(away).applyAxisAngle(UP, angle(share)).add(target);
        this._eye.lookAt(target);
        draw();
      };
      return record(canvas, move, way, options);
    }).finally(() => {
      this._eye.position.copy(position);
      this._controls.update();
      this._draw();
    });
  }

  /**
   * Returns what `work` returns, which gets a canvas of a size in pixels and a function that renders the view there.
   *
   * `paint(pen, model, unit)` draws a picture with the context of that canvas, from a canvas with the model; `unit`:
   * pixels per pixel of the page.
   */
  async _pictures([width, height], paint, work) {
    const { _size: size } = this;
    const ratio = this._renderer.getPixelRatio();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    this._isHeld = true;
    this._size = [width, height];
    this._renderer.setPixelRatio(1);
    this._renderer.setSize(width, height, false);
    const draw = () => {
      this._fit();
      this._renderer.render(this._scene, this._eye);
      paint(pen, this._canvas, width / size[0]);
    };
    try {
      return await work(canvas, draw);
    } finally {
      this._isHeld = false;
      this._size = size;
      this._renderer.setPixelRatio(ratio);
      this._resize();
      this._draw();
    }
  }

  _makeLights() {
    const light = new DirectionalLight(0xffffff, 2);
    light.position.set(-0.6, 0.8, 1);
    this._eye.add(light);
    this._scene.add(this._eye, new HemisphereLight(0xffffff, 0x77736a, 1.4));
  }

  _makeControls() {
    const controls = new OrbitControls(this._eye, this._canvas);
    controls.mouseButtons = { LEFT: MOUSE.ROTATE, MIDDLE: MOUSE.DOLLY, RIGHT: MOUSE.PAN };
    controls.touches = { ONE: TOUCH.ROTATE, TWO: TOUCH.DOLLY_PAN };
    controls.zoomToCursor = true;
    controls.addEventListener("start", () => this._free());
    controls.addEventListener("change", () => this._draw());
    controls.addEventListener("end", () => this._settle());
    return controls;
  }

  /** Moves the eye to the photo's camera. */
  _stand() {
    this._model.pose.decompose(this._eye.position, this._eye.quaternion, new Vector3());
    this._setThrough(true);
    this._fit();
  }

  /** Adapts the user's view to a scene of another scale or camera position. */
  _follow(before) {
    const [from, to] = [before, this._model].map((model) => new Vector3().setFromMatrixPosition(model.pose));
    const growth = this._model.middle / before.middle;
    for (const place of [this._eye.position, this._controls.target]) place.sub(from).multiplyScalar(growth).add(to);
    this._fit();
    this._controls.update();
  }

  /** Leaves the camera's projection at the same position, for a view that turns around the middle of the scene. */
  _free() {
    if (this._swing) this._setLimits();
    this._stopSwing();
    this._isUntouched = false;
    if (!this._model || !this.isThrough) return;
    this._target();
    this._setThrough(false);
    this._fit();
    this._controls.update();
  }

  _target() {
    this._controls.rotateSpeed = this._inside ? INSIDE_SPEED : 1;
    const reach = this._model.middle * (this._inside ? INSIDE_REACH : 1);
    const forward = new Vector3(0, 0, -reach).applyQuaternion(
      new Quaternion().setFromRotationMatrix(this._model.pose),
    );
    this._controls.target.setFromMatrixPosition(this._model.pose).add(forward);
  }

  /** Moves beside the camera, animated if `isSwinging`. */
  _goBeside(isSwinging) {
    this._stopSwing();
    this._isUntouched = true;
    this._limits.set(null);
    this._stand();
    this._target();
    this._setThrough(false);
    this._fit();
    const from = { position: this._eye.position.clone(), target: this._controls.target.clone() };
    const to = this._findHome();
    this._home = to;
    const place = (share) => {
      this._eye.position.lerpVectors(from.position, to.position, share);
      this._controls.target.lerpVectors(from.target, to.target, share);
      this._controls.update();
      this._draw();
      if (share === 1) this._setLimits();
    };
    const likesMotion = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (isSwinging && likesMotion) this._swingBy(place, () => this._swayFrom(to));
    else place(1);
  }

  /** Returns the view from which a model is seen first. */
  _findHome() {
    if (this._inside) return { position: this._eye.position.clone(), target: this._controls.target.clone(), aside: 0 };
    if (this._size) asFree(this._eye, this._lens, ...this._size);
    const home = beside(this._model.points, this._model.pose, this._lens, this._eye);
    this._fit();
    return home;
  }

  _swayFrom({ position, target, aside }) {
    if (this._inside || !this._isSeen) return;
    this._sway.start(position, target, aside);
    this._onChange();
  }

  _moveTo(position) {
    this._eye.position.copy(position);
    this._controls.update();
    this._draw();
  }

  _setLimits() {
    if (!this._model || !this._home) return;
    const distance = this._home.position.distanceTo(this._home.target);
    this._limits.set(this.isLimited && !this.isFree ? this._model.pose : null, this._home.aside, distance);
  }

  /** Power is not spent on a view that nobody sees. */
  _see(isSeen) {
    this._isSeen = isSeen;
    if (!isSeen && this._sway.isOn) {
      this._sway.stop();
      this._onChange();
    }
  }

  /** Adapts edges and texture to the size at which the model is seen. */
  _settle() {
    if (!this._model || !this._size) return;
    if (this.style === WIRES && this._model.simplifyWires(this._wireCells())) this._draw();
    const photo = this._photo;
    photo?.need(this._photoPixels() * this._renderer.getPixelRatio()).then(
      (isLarger) => isLarger && photo === this._photo && this._draw(),
      // The photo is shown, only smaller than it might be.
      (failure) => console.info(failure.message),
    );
  }

  /** Returns the length of the photo's longer side in the window, in pixels of the page. */
  _photoPixels() {
    const reach = this._eye.position.distanceTo(this._controls.target) || 1;
    const { width, height, fx, fy } = this._lens;
    if (this._inside) return MOST_CELLS * WIRE_PIXELS;
    const perTangent = this._size[1] / 2 / Math.tan((this._eye.fov * Math.PI) / 360);
    return Math.max(width / fx, height / fy) * perTangent * Math.max(1, this._model.middle / reach);
  }

  /** Returns the number of cells across the photo whose edges can be told apart; 0 for all edges. */
  _wireCells() {
    const cells = 2 ** Math.round(Math.log2(this._photoPixels() / WIRE_PIXELS));
    return cells >= MOST_CELLS ? 0 : Math.max(16, cells);
  }

  /** Whether the model surrounds the camera, as a panorama does; then the view stays at the camera. */
  get _inside() {
    return this._lens.projection === "equirectangular";
  }

  _swingBy(place, onEnd) {
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / SWING));
      place(share * share * (3 - 2 * share));
      this._swing = share < 1 ? requestAnimationFrame(step) : 0;
      if (share === 1) onEnd();
    };
    this._swing = requestAnimationFrame(step);
  }

  /** Ends all motion that the user has not made. */
  _stopSwing() {
    cancelAnimationFrame(this._swing);
    this._swing = 0;
    this._limits.stop();
    if (!this._sway.isOn) return;
    this._sway.stop();
    this._onChange();
  }

  _setThrough(isThrough) {
    if (this.isThrough === isThrough) return;
    this.isThrough = isThrough;
    this._onChange();
  }

  _dress() {
    this._model?.dress(this.hasColours, this.style);
    this._draw();
  }

  _resize() {
    const { clientWidth, clientHeight } = this._canvas.parentElement;
    if (!clientWidth || !clientHeight || this._isHeld) return;
    this._size = [clientWidth, clientHeight];
    this._renderer.setSize(clientWidth, clientHeight, false);
    this._settle();
    this._draw();
  }

  /** Updates the projection; the clipping distances depend on the position of the eye. */
  _fit() {
    if (!this._model || !this._size) return;
    const reach = this._eye.position.distanceTo(this._controls.target);
    this._eye.far = 2 * (this._model.farthest + reach) + this._eye.position.length();
    this._eye.near = Math.max(this._eye.far * 1e-5, 0.02 * Math.min(reach, this._model.middle));
    if (this.isThrough) throughLens(this._eye, this._lens, ...this._size);
    else asFree(this._eye, this._lens, ...this._size);
  }

  /** Requests a redraw. */
  _draw() {
    if (this._isAsked) return;
    this._isAsked = true;
    requestAnimationFrame(() => {
      this._isAsked = false;
      // Pictures are rendered at another size meanwhile.
      if (this._isHeld) return;
      this._fit();
      this._renderer.render(this._scene, this._eye);
      this.onDraw();
    });
  }
}
