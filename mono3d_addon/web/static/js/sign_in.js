// SPDX-License-Identifier: GPL-3.0-or-later
// A link to a job names it behind the "#", which only this page knows; the redirect after signing in keeps it.

document.getElementById("sign-in").action += location.hash;

// Whoever follows a link that shares a result needs no token.
const share = /^#share=([\w.-]+)$/.exec(location.hash)?.[1];
if (share) {
  const answer = await fetch(new URL("api/shares", document.baseURI), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ share }),
  });
  // With the cookie the same address is the page.
  if (answer.ok) location.reload();
}
