// SPDX-License-Identifier: GPL-3.0-or-later
// The 3D view. It renders only after changes, to save power.

import {
  DirectionalLight,
  HemisphereLight,
  MOUSE,
  PerspectiveCamera,
  Quaternion,
  Scene,
  TOUCH,
  Vector3,
  WebGLRenderer,
} from "../vendor/three/three.module.min.js";
import { OrbitControls } from "../vendor/three/OrbitControls.js";
import { beside } from "./framing.js";
import { asFree, throughLens } from "./lens.js";
import { Model } from "./model.js";

const SWING = 900;
/** In a panorama the view turns around a point just in front of the eye. */
const INSIDE_REACH = 0.01;
const INSIDE_SPEED = -0.4;
const LARGEST_RATIO = 2;

/** Shows one model at a time; `onChange` is called when the view enters or leaves the photo's camera. */
export class Viewer {
  constructor(canvas, onChange) {
    this.isThrough = false;
    this.hasColours = true;
    this.isWire = false;
    this._canvas = canvas;
    this._onChange = onChange;
    this._model = null;
    this._lens = null;
    this._range = "";
    this._isFollowing = false;
    this._swing = 0;
    this._isUntouched = true;
    this._isAsked = false;
    this._renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this._renderer.setPixelRatio(Math.min(window.devicePixelRatio, LARGEST_RATIO));
    this._scene = new Scene();
    this._eye = new PerspectiveCamera();
    this._makeLights();
    this._controls = this._makeControls();
    canvas.addEventListener("webglcontextrestored", () => this._draw());
    new ResizeObserver(() => this._resize()).observe(canvas.parentElement);
    this._resize();
  }

  /** Shows the model of a job's `status`; `keep` preserves the user's view. */
  async show(bytes, { result: { camera, distances }, is_draft: isDraft }, keep) {
    const model = await Model.read(bytes);
    if (this._model) {
      this._scene.remove(this._model.group);
      this._model.dispose();
    }
    const before = keep ? this._model : null;
    this._model = model;
    this._lens = camera;
    const range = [distances.near.metres, distances.far.metres].join();
    // The median distance of a draft differs slightly, so the view is adapted from one complete mesh to the next.
    const isFollowing = this._range !== range || this._isFollowing;
    this._isFollowing = isFollowing && isDraft;
    this._range = range;
    this._scene.add(model.group);
    model.dress(this.hasColours, this.isWire);
    if (before === null) this._goBeside(true);
    else if (this.isThrough) this._stand();
    else if (this._isUntouched) this._goBeside(false);
    else if (isFollowing) this._follow(before);
    this._draw();
  }

  /** Removes the model. */
  clear() {
    this._stopSwing();
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

  setWire(isOn) {
    this.isWire = isOn;
    this._dress();
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
    this._stand();
    this._target();
    this._setThrough(false);
    this._fit();
    const from = { position: this._eye.position.clone(), target: this._controls.target.clone() };
    const to = this._inside ? from : beside(this._model.points, this._model.pose, this._lens, this._eye);
    const place = (share) => {
      this._eye.position.lerpVectors(from.position, to.position, share);
      this._controls.target.lerpVectors(from.target, to.target, share);
      this._controls.update();
      this._draw();
    };
    if (isSwinging && !matchMedia("(prefers-reduced-motion: reduce)").matches) this._swingBy(place);
    else place(1);
  }

  /** Whether the model surrounds the camera, as a panorama does; then the view stays at the camera. */
  get _inside() {
    return this._lens.projection === "equirectangular";
  }

  _swingBy(place) {
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / SWING));
      place(share * share * (3 - 2 * share));
      this._swing = share < 1 ? requestAnimationFrame(step) : 0;
    };
    this._swing = requestAnimationFrame(step);
  }

  _stopSwing() {
    cancelAnimationFrame(this._swing);
    this._swing = 0;
  }

  _setThrough(isThrough) {
    if (this.isThrough === isThrough) return;
    this.isThrough = isThrough;
    this._onChange();
  }

  _dress() {
    this._model?.dress(this.hasColours, this.isWire);
    this._draw();
  }

  _resize() {
    const { clientWidth, clientHeight } = this._canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    this._size = [clientWidth, clientHeight];
    this._renderer.setSize(clientWidth, clientHeight, false);
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
      this._fit();
      this._renderer.render(this._scene, this._eye);
    });
  }
}
