// SPDX-License-Identifier: GPL-3.0-or-later
// The view sways from one side of the photo's camera to the other until somebody touches it.

import { Vector3 } from "../vendor/three/three.js";

const PERIOD = 9000;
/** It ends by itself, to save power. */
const PERIODS = 6;
/** A device that draws frames as slowly as this, in milliseconds, has better things to do. */
const SLOW = 400;
const ENOUGH = 5;
const UP = new Vector3(0, 1, 0);

/** Moves a viewpoint; `place` gets each position, `onEnd` is called when it has ended by itself. */
export class Sway {
  constructor(place, onEnd) {
    this._place = place;
    this._onEnd = onEnd;
    this._frame = 0;
  }

  get isOn() {
    return this._frame !== 0;
  }

  /** Starts at `position`, which is turned by the angle `aside` from the middle around `target`. */
  start(position, target, aside) {
    this.stop();
    const home = position.clone().sub(target);
    const began = performance.now();
    let frames = 0;
    const step = (now) => {
      const share = (now - began) / PERIOD;
      const isSlow = frames >= ENOUGH && (now - began) / frames > SLOW;
      if (share >= PERIODS || isSlow) {
        this._frame = 0;
        this._place(position.clone());
        this._onEnd();
        return;
      }
      frames += 1;
      const angle = aside * (Math.cos(2 * Math.PI * Math.max(0, share)) - 1);
      this._place(home.clone().applyAxisAngle(UP, angle).add(target));
      this._frame = requestAnimationFrame(step);
    };
    this._frame = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this._frame);
    this._frame = 0;
  }
}
