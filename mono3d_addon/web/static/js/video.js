// SPDX-License-Identifier: GPL-3.0-or-later
// Records a canvas: picture by picture where the browser encodes them, else as a recorder sees it in real time.

import { webm } from "./webm.js";

const RATE = 30;
/** How long a video is. */
export const SECONDS = 6;
const BITS_PER_PIXEL = 0.15;
const KEY_EVERY = 60;
/** Pictures that may wait for the encoder. */
const MOST_WAITING = 4;
const ENCODED = [
  { codec: "vp09.00.40.08", matroska: "V_VP9", words: "WebM, VP9" },
  { codec: "vp8", matroska: "V_VP8", words: "WebM, VP8" },
];
const RECORDED = [
  { type: "video/mp4", ending: ".mp4", words: "MP4" },
  { type: "video/webm", ending: ".webm", words: "WebM" },
];

/** Returns how this browser can make a video of `width` × `height` pixels, with the format in `words`; null if it cannot. */
export async function videoWay(width, height) {
  if ("VideoEncoder" in window && "VideoFrame" in window) {
    for (const { codec, matroska, words } of ENCODED) {
      const config = { codec, width, height, framerate: RATE, bitrate: width * height * RATE * BITS_PER_PIXEL };
      const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
      if (supported) return { config, matroska, words, ending: ".webm" };
    }
  }
  if (!("MediaRecorder" in window) || !HTMLCanvasElement.prototype.captureStream) return null;
  return RECORDED.find(({ type }) => MediaRecorder.isTypeSupported(type)) ?? null;
}

/**
 * Returns a video of `canvas` as a Blob; `draw` is called with the share of the motion before each picture.
 *
 * `way` is that of `videoWay`; `onShare` gets the share that is done; aborts by `signal` with an AbortError.
 */
export async function record(canvas, draw, way, { onShare, signal }) {
  return way.config ? encode(canvas, draw, way, { onShare, signal }) : watch(canvas, draw, way, { onShare, signal });
}

async function encode(canvas, draw, { config, matroska }, { onShare, signal }) {
  const chunks = [];
  let failure = null;
  const encoder = new VideoEncoder({
    output: (chunk) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      chunks.push({ data, time: Math.round(chunk.timestamp / 1000), isKey: chunk.type === "key" });
    },
    error: (error) => (failure = error),
  });
  try {
    encoder.configure(config);
    const count = RATE * SECONDS;
    for (let index = 0; index < count; index += 1) {
      draw(index / count);
      const frame = new VideoFrame(canvas, { timestamp: (index * 1e6) / RATE, duration: 1e6 / RATE });
      encoder.encode(frame, { keyFrame: index % KEY_EVERY === 0 });
      frame.close();
      onShare(index / count);
      do {
        await pause();
        if (failure) throw failure;
        signal.throwIfAborted();
      } while (encoder.encodeQueueSize > MOST_WAITING);
    }
    await encoder.flush();
    if (failure) throw failure;
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
  const { width, height } = config;
  return new Blob(webm(chunks, { codec: matroska, width, height, duration: 1000 * SECONDS }), { type: "video/webm" });
}

async function watch(canvas, draw, { type }, { onShare, signal }) {
  const stream = canvas.captureStream(RATE);
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: canvas.width * canvas.height * RATE * BITS_PER_PIXEL });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((resolve, reject) => {
    recorder.onstop = resolve;
    recorder.onerror = ({ error }) => reject(error);
  });
  try {
    draw(0);
    recorder.start();
    const began = performance.now();
    for (let share = 0; share < 1; share = (performance.now() - began) / (1000 * SECONDS)) {
      draw(share);
      onShare(share);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      signal.throwIfAborted();
    }
  } finally {
    recorder.stop();
    stream.getTracks().forEach((track) => track.stop());
  }
  await ended;
  return new Blob(parts, { type });
}

/** Lets the page do what waits, so that it shows the progress and hears the user. */
function pause() {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
