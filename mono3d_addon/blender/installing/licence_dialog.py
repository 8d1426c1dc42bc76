# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks, before weights are downloaded that are not for all use, whether the user accepts their licence."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ...depth.catalogue import model_named
from ...depth.model import Model
from ...errors import Mono3DError
from .. import state
from ..interface import Result
from ..texts import text

_WIDTH = 420
_LINE = 62

TICK = "My work is not commercial, and I accept the licence"


class AsksLicence:
    """A part of an operator that downloads weights: in a window it asks first, where there is something to ask.

    The operator implements `start_all`, which starts the work, and `do_all`, which waits for its end.
    """

    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Name of the model; empty: the model of the scene",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    accepts_licence: BoolProperty(  # type: ignore[valid-type]
        name=TICK,
        description="Needed for weights that are not for commercial work",
        options={"SKIP_SAVE"},
    )
    _is_invoked = False

    def start_all(self, context: bpy.types.Context) -> Result:
        """Starts the work and returns at once."""
        raise NotImplementedError

    def do_all(self, context: bpy.types.Context) -> Result:
        """Does the work."""
        raise NotImplementedError

    def wanted(self, context: bpy.types.Context) -> Model:
        """Returns the model to download."""
        scene: Any = context.scene
        return model_named(self.model or scene.mono3d.model)

    def check_licence(self, model: Model) -> None:
        """Raises Mono3DError if the licence needs a yes and has none."""
        from ...depth import licence

        if not (self.accepts_licence or licence.is_settled(model, state.current.data_folder)):
            raise Mono3DError(licence.refusal(model, f" (tick '{TICK}')"))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Asks for the licence where that is needed, then starts; waits for the end only in background mode."""
        from ...depth import licence

        self._is_invoked = True
        manager = context.window_manager
        if (
            bpy.app.background
            or manager is None
            or self.accepts_licence
            or licence.is_settled(self.wanted(context), state.current.data_folder)
        ):
            return self.execute(context)
        dialog: Any = manager.invoke_props_dialog
        return dialog(self, width=_WIDTH, title=text("Not for commercial work"), confirm_text=text("Download"))

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the licence and the box to tick."""
        from ...depth import licence

        operator: Any = self
        layout, model = operator.layout, self.wanted(context)
        column = layout.column(align=True)
        for line in textwrap.wrap(licence.question(model), _LINE, break_on_hyphens=False):
            column.label(text=line, translate=False)
        button = layout.operator("wm.url_open", text=f"Read {model.licence}", icon="URL", translate=False)
        button.url = licence.address(model)
        layout.prop(self, "accepts_licence")

    def execute(self, context: bpy.types.Context) -> Result:
        """Does the work; waits for the end unless it was invoked in a window."""
        return self.start_all(context) if self._is_invoked and not bpy.app.background else self.do_all(context)
