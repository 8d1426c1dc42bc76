// SPDX-License-Identifier: GPL-3.0-or-later
// A photo from the computer's camera.

import { find } from "./element.js";
import { t } from "./texts.js";

/** Shows the camera and returns the photo as a file, or null if the user closes the dialog. */
export async function takePhoto() {
  const dialog = find("camera");
  const video = find("camera-picture");
  const failure = find("camera-failure");
  const shoot = find("camera-shoot");
  failure.textContent = "";
  shoot.setAttribute("aria-disabled", "true");
  dialog.showModal();
  let stream = null;
  const closed = new Promise((resolve) => dialog.addEventListener("close", () => resolve(null), { once: true }));
  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  find("camera-close").onclick = () => dialog.close();
  const taken = new Promise((resolve) => {
    shoot.onclick = async () => {
      if (shoot.getAttribute("aria-disabled") !== "true") resolve(await frameOf(video));
    };
  });
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
    video.srcObject = stream;
    if (dialog.open) await video.play();
    shoot.removeAttribute("aria-disabled");
  } catch (error) {
    failure.textContent = sentenceOf(error);
  }
  const file = await Promise.race([taken, closed]);
  stop();
  video.srcObject = null;
  if (dialog.open) dialog.close();
  return file;
}

async function frameOf(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}

function sentenceOf(error) {
  if (error.name === "NotAllowedError") {
    return t("The browser does not let this page use the camera; allow it in the address bar and try again.");
  }
  if (error.name === "NotFoundError") return t("No camera was found; connect one, or choose a file.");
  return t("The camera cannot be used ({why}); choose a file.", { why: error.message });
}
