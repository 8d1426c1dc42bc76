# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner `openjd`: writes an Open Job Description, which AWS Deadline Cloud and other managers run."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..display import say
from ..equipping import Place
from ..run.stores import is_address, store_of
from .work import Work, count_of_shards

TEMPLATE = "openjd.json"
_WORDS = ("jobs", "attempts", "recycle")


def write_template(work: Work, place: Place) -> None:
    """Writes the job's template beside the results and says where."""
    store = store_of(work.output)
    text = json.dumps(template(work), indent=1) + "\n"
    store.write(TEMPLATE, text.encode("ascii"))
    where = f"{work.output.rstrip('/')}/{TEMPLATE}"
    tasks = f"{count_of_shards(work):,} tasks"
    say(f"The job of {tasks} is {where}; 'openjd run FILE --step Report --run-dependencies' tries it here.", sys.stdout)


def template(work: Work) -> dict[str, Any]:
    """Returns the job: a step whose tasks do a shard each by the warm workers of their session, and the report."""
    options = work.options
    defaults = type(options)()
    more = [
        word
        for name in _WORDS
        if getattr(options, name) != getattr(defaults, name)
        for word in (f"--{name}", str(getattr(options, name)))
    ]
    more += ["--retry-failed"] * options.retry_failed
    if options.data_folder:
        more += ["--data-folder", options.data_folder]
    out = {"name": "Out", "type": "STRING", "default": work.output}
    if not is_address(work.output):
        # Paths are relative to the template's folder, and may not lead out of it.
        out |= {"type": "PATH", "objectType": "DIRECTORY", "dataFlow": "INOUT", "default": "."}
    warm = ["--warm", "{{Session.WorkingDirectory}}/mono3d-warm"]
    start = ["batch", "start", "-o", "{{Param.Out}}", *warm, *more]
    run = ["batch", "run", "-o", "{{Param.Out}}", "--shard", "{{Task.Param.Shard}}/{{Param.Shards}}", *warm, *more]
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": "Mono3D",
        "parameterDefinitions": [
            out,
            {"name": "Shards", "type": "INT", "default": count_of_shards(work), "minValue": 1},
            {"name": "Command", "type": "STRING", "default": "mono3d"},
        ],
        "steps": [
            {
                "name": "Reconstruct",
                "stepEnvironments": [
                    {
                        "name": "WarmWorkers",
                        "script": {
                            "actions": {
                                "onEnter": {"command": "{{Param.Command}}", "args": start},
                                "onExit": {"command": "{{Param.Command}}", "args": ["batch", "stop", *warm]},
                            }
                        },
                    }
                ],
                "parameterSpace": {
                    "taskParameterDefinitions": [{"name": "Shard", "type": "INT", "range": "1-{{Param.Shards}}"}]
                },
                "script": {"actions": {"onRun": {"command": "{{Param.Command}}", "args": run}}},
            },
            {
                "name": "Report",
                "dependencies": [{"dependsOn": "Reconstruct"}],
                "script": {
                    "actions": {
                        "onRun": {"command": "{{Param.Command}}", "args": ["batch", "merge", "-o", "{{Param.Out}}"]}
                    }
                },
            },
        ],
    }
