# SPDX-License-Identifier: GPL-3.0-or-later
"""The translation of other programs' output into messages for the user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vendor_installer.errors import TRANSLATIONS, InstallError, from_os_error, translate
from vendor_installer.interpreter import probe

CASES = (
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
    ("OSError: [WinError 112] There is not enough space on the disk", "disk is full"),
    ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))", "PIP_CERT"),
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "pinned"),
    ("ProxyError('Cannot connect to proxy.', OSError('407 Proxy Authentication Required'))", "HTTPS_PROXY"),
    ("ReadTimeoutError(\"HTTPSConnectionPool(host='x', port=443): Read timed out.\")", "connection broke"),
    ("ProtocolError('Connection broken: IncompleteRead(100 bytes read, 200 more expected)')", "connection broke"),
    ("NewConnectionError: Failed to establish: [Errno -2] Name or service not known", "cannot be reached"),
    ("ERROR: HTTP error 404 while getting x\n404 Client Error: Not Found for url", "refused a file"),
    ("ERROR: Could not find a version that satisfies the requirement torch==2.13.0", "not offered"),
    ("ERROR: No matching distribution found for open3d", "not offered"),
    ("PermissionError: [WinError 5] Access is denied: 'c10.dll.tmp'", "in use"),
    ("[WinError 32] The process cannot access the file because it is being used by another process", "in use"),
    ("OSError: [WinError 126] The specified module could not be found. Error loading c10.dll", "Visual C++"),
    ("PermissionError: [Errno 13] Permission denied: '/usr/x'", "data folder"),
    ("OSError: [Errno 30] Read-only file system: '/x'", "data folder"),
    ("ImportError: libusb-1.0.so.0: cannot open shared object file", "libusb-1.0-0"),
    ("ImportError: /lib/libm.so.6: version `GLIBC_2.35' not found", "C library is too old"),
    ("ImportError: libGL.so.1: cannot open shared object file: No such file or directory", "libgl1"),
    ("ImportError: libEGL.so.1: cannot open shared object file: No such file or directory", "libegl1"),
    ("CUDA error: no kernel image is available for execution on the device", "backend 'cpu'"),
    ("RuntimeError: The NVIDIA driver on your system is too old (found version 11040)", "latest driver"),
    ("RuntimeError: No HIP GPUs are available", "latest driver"),
    ("AssertionError: Torch not compiled with CUDA enabled", "backend 'cpu'"),
    ("RuntimeError: operator torchvision::nms does not exist", "different indexes"),
    ("MemoryError", "memory"),
    ("torch.OutOfMemoryError: CUDA out of memory", "memory"),
)


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_known_text_becomes_cause_and_remedy(text: str, expected: str) -> None:
    error = translate(f"Collecting x\nsomething else\n{text}\n")
    assert expected in str(error)
    assert text in error.details


def test_every_translation_is_tried_here() -> None:
    reached = {str(translate(text)) for text, _ in CASES}
    assert reached == {item.message for item in TRANSLATIONS}


@pytest.mark.parametrize("item", TRANSLATIONS)
def test_every_message_is_one_sentence_that_says_what_to_do(item: object) -> None:
    message = item.message  # type: ignore[attr-defined]
    assert message.endswith(".") and ". " not in message and ":" in message


def test_an_unknown_text_keeps_its_last_lines_and_names_the_log() -> None:
    error = translate("one\ntwo\nthree\nfour\n", Path("install.log"))
    assert "two / three / four" in str(error) and "install.log" in str(error)


def test_a_failed_file_operation_is_translated() -> None:
    assert "disk is full" in str(from_os_error(OSError(28, "No space left on device", "x")))


@pytest.mark.skipif(sys.platform == "win32", reason="the fake interpreters are shell scripts")
@pytest.mark.parametrize(
    ("script", "words"),
    [("exec sleep 30", "did not answer within a minute"), ("echo hello", "is not a Python interpreter")],
)
def test_an_unresponsive_interpreter_is_reported_in_one_line(
    script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *given, **options: real(*given, **options | {"timeout": 0.5}))
    with pytest.raises(InstallError, match=words) as caught:
        probe(str(program))
    assert "\n" not in str(caught.value)
