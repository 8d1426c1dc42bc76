// SPDX-License-Identifier: GPL-3.0-or-later
// The photo as a texture that all meshes of a result share, as large as the screen shows it.

import { LinearMipmapLinearFilter, SRGBColorSpace, Texture } from "../vendor/three/three.js";

/** Sizes that the server keeps, by the longer side; the last stands for the photo itself. */
const SIDES = [640, 2048, 4096];

/** The photo of one result; `fetch` returns its file with at least so many pixels along the longer side. */
export class PhotoTexture {
  constructor(fetch) {
    this.texture = new Texture();
    this.texture.flipY = false;
    this.texture.colorSpace = SRGBColorSpace;
    this.texture.minFilter = LinearMipmapLinearFilter;
    this._fetch = fetch;
    this._side = 0;
    this._isGone = false;
  }

  /** Loads the photo with at least `side` pixels along the longer side, unless it has them; returns whether it changed. */
  async need(side) {
    const wanted = SIDES.find((one) => one >= side) ?? SIDES.at(-1);
    if (wanted <= this._side) return false;
    const before = this._side;
    this._side = wanted;
    try {
      const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
      const picture = await createImageBitmap(await this._fetch(wanted), options);
      // A larger one may have been faster.
      if (this._isGone || wanted < this._side) {
        picture.close();
        return false;
      }
      this._drop();
      this.texture.image = picture;
      this.texture.needsUpdate = true;
      return true;
    } catch (error) {
      if (this._side === wanted) this._side = before;
      throw error;
    }
  }

  /** Frees the memory. */
  dispose() {
    this._isGone = true;
    this._drop();
  }

  _drop() {
    this.texture.dispose();
    // An ImageBitmap is not garbage-collected promptly.
    this.texture.image?.close?.();
    this.texture.image = null;
  }
}
