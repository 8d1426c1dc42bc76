// SPDX-License-Identifier: GPL-3.0-or-later
// A link to a job names it behind the "#", which only this page knows; the redirect after signing in keeps it.

document.getElementById("sign-in").action += location.hash;
