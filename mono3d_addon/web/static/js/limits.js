// SPDX-License-Identifier: GPL-3.0-or-later
// Angles from which a photo's mesh looks good. A view turned beyond them offers resistance, and comes back when let go.

import { Vector3 } from "../vendor/three/three.js";

const DEGREE = Math.PI / 180;
const SIDEWAYS = { perAside: 4, least: 20 * DEGREE, most: 50 * DEGREE };
const UPWARDS = { perAside: 2.5, least: 12 * DEGREE, most: 35 * DEGREE };
/** How much slower a view turns for each radian beyond the limits. */
const RESISTANCE = 12;
const RETURN = 450;
/** Largest distance from the middle of the scene, in multiples of that at the start. */
const FARTHEST = 4;

/** Limits the turning of `controls`, an instance of OrbitControls. */
export class Limits {
  constructor(controls) {
    this._controls = controls;
    this._range = null;
    this._frame = 0;
    this._isHeld = false;
    controls.addEventListener("start", () => {
      this._isHeld = true;
      this.stop();
    });
    controls.addEventListener("end", () => {
      this._isHeld = false;
      this.comeBack();
    });
    controls.addEventListener("change", () => this._resist());
  }

  /** Sets the limits for a photo's camera with the pose `pose`, for views that look good turned by `aside`; null: none. */
  set(pose, aside, distance) {
    this.stop();
    this._controls.maxDistance = pose ? FARTHEST * distance : Infinity;
    // Without limits the speed is not ours.
    if (this._range || pose) this._controls.rotateSpeed = 1;
    this._range = null;
    if (!pose) return;
    const back = new Vector3().setFromMatrixColumn(pose, 2).normalize();
    this._range = {
      azimuth: Math.atan2(back.x, back.z),
      polar: Math.acos(Math.min(1, Math.max(-1, back.y))),
      sideways: within(SIDEWAYS, aside),
      upwards: within(UPWARDS, aside),
    };
  }

  /** Turns back to the limits, at once for those who do not like motion. */
  comeBack() {
    const beyond = this._beyond();
    if (!beyond || (!beyond.sideways && !beyond.upwards)) return;
    this.stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this._turn(beyond, 1);
      return;
    }
    const began = performance.now();
    let done = 0;
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / RETURN));
      const eased = 1 - (1 - share) ** 3;
      this._turn(beyond, eased - done);
      done = eased;
      this._frame = share < 1 ? requestAnimationFrame(step) : 0;
    };
    this._frame = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this._frame);
    this._frame = 0;
  }

  _turn({ sideways, upwards }, share) {
    this._controls.rotateLeft(sideways * share);
    this._controls.rotateUp(upwards * share);
  }

  _resist() {
    if (!this._isHeld || !this._range) return;
    const { sideways, upwards } = this._beyond();
    this._controls.rotateSpeed = 1 / (1 + RESISTANCE * Math.hypot(sideways, upwards));
  }

  /** Returns the angles beyond the limits, with the sign of the way there; null without limits. */
  _beyond() {
    if (!this._range) return null;
    const { azimuth, polar, sideways, upwards } = this._range;
    const across = this._controls.getAzimuthalAngle() - azimuth;
    const turned = Math.atan2(Math.sin(across), Math.cos(across));
    return { sideways: excess(turned, sideways), upwards: excess(this._controls.getPolarAngle() - polar, upwards) };
  }
}

function within({ perAside, least, most }, aside) {
  return Math.min(most, Math.max(least, perAside * aside));
}

function excess(angle, limit) {
  return Math.sign(angle) * Math.max(0, Math.abs(angle) - limit);
}
