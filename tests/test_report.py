# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

from mono3d_addon.run.report import Record, write_report


def test_a_report_holds_every_record_and_file_names_of_any_bytes(tmp_path: Path) -> None:
    records = [Record("写真.jpg", "done", seconds={"Reading": 0.12345}), Record("caf\udce9.jpg", "failed", "No photo.")]
    write_report(tmp_path / "report.json", records, 1.5)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "写真" in text
    read = json.loads(text)
    assert [one["photo"] for one in read["photos"]] == ["写真.jpg", "caf\udce9.jpg"]
    assert (read["done"], read["failed"], read["skipped"]) == (1, 1, 0)
    assert read["photos"][0]["seconds"] == {"Reading": 0.123} and read["photos"][1]["message"] == "No photo."
