# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the active mesh metric from measured distances: picking points, the dialog, and a panel."""

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, FloatProperty, FloatVectorProperty

from ..errors import Mono3DError
from . import interface, marks, names, reshape_operators, reshape_panel, state
from .scene import reshaped
from .texts import filled, n_, text

# Modules that import numpy are imported when needed, to keep Blender's start fast.
if TYPE_CHECKING:
    from mathutils import Matrix, Vector

_HINTS = (
    n_("Mono3D: click the first point on the mesh; ESC or right click cancels"),
    n_("Mono3D: click the second point on the mesh; ESC or right click cancels"),
)
_BARS = {"UI", "TOOLS", "HEADER", "TOOL_HEADER"}
_FROM_CAMERA, _BETWEEN = "CAMERA", "BETWEEN"


def _point_property(which: str) -> Any:
    return FloatVectorProperty(
        name=f"{which} point",
        description=f"{which} point on the mesh, in the object's own coordinates",
        size=3,
        subtype="XYZ",
        options={"HIDDEN", "SKIP_SAVE"},
    )


def _distance_property(name: str, description: str, default: float) -> Any:
    return FloatProperty(name=name, description=description, subtype="DISTANCE", default=default, min=0.0, precision=3)


class MONO3D_OT_known_distances(reshape_operators.ReshapeOperator):
    """Makes the mesh metric."""

    bl_idname = "mono3d.known_distances"
    bl_label = "Known Distances"
    bl_description = (
        "Make the mesh metric from distances that you measured: of two points from the camera, or between them. "
        "Without given points, two vertices selected in Edit Mode or two selected empties are used"
    )

    kind: EnumProperty(  # type: ignore[valid-type]
        name="Measured",
        description="What was measured",
        items=[
            (_FROM_CAMERA, "From the camera", "How far each point is from the camera, in a straight line", 0),
            (_BETWEEN, "Between the points", "How far the points are from each other", 1),
        ],
    )
    first: _point_property("First")  # type: ignore[valid-type]
    second: _point_property("Second")  # type: ignore[valid-type]
    first_distance: _distance_property(  # type: ignore[valid-type]
        "First point", "Distance of the first point from the camera", 1.0
    )
    second_distance: _distance_property(  # type: ignore[valid-type]
        "Second point", "Distance of the second point from the camera", 2.0
    )
    apart: _distance_property(  # type: ignore[valid-type]
        "Between the points", "Distance of the points from each other", 1.0
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Any:
        """Opens a dialog that shows the present distances."""
        from mathutils import Matrix

        from .scene import camera, frame

        owner = reshaped.target(context)
        if bpy.app.background or owner is None:
            return self.execute(context)
        try:
            first, second = self._points(context, owner)
            scale = _scale(owner)
            eye = Matrix(frame.pose(camera.stored(owner))).translation
        except Mono3DError as error:
            self.report({"ERROR"}, filled(str(error)))
            return {"CANCELLED"}
        self.first, self.second = first, second
        self.first_distance, self.second_distance = (scale * (point - eye).length for point in (first, second))
        self.apart = (first - second).length * scale
        marks.picked.show(owner, [first, second])
        manager: Any = context.window_manager
        return manager.invoke_props_dialog(self, width=320)

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the fields for the distances."""
        layout: Any = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "kind")
        for name in ("first_distance", "second_distance") if self.kind == _FROM_CAMERA else ("apart",):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Solves for near and far and reshapes the mesh: from a script it waits, from the dialog it returns at once."""
        marks.picked.hide()
        if bpy.app.background or not self.options.is_invoke:
            return super().execute(context)
        owner = reshaped.target(context)
        try:
            if owner is not None:
                self._ask(context, owner, makes_undo=True)
        except Mono3DError as error:
            self.report({"ERROR"}, filled(str(error)))
        reshape_operators.start()
        # Nothing has changed yet; the undo step is pushed with the mesh.
        return {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Hides the marks when the dialog is cancelled."""
        marks.picked.hide()

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Requests near and far that match the measured distances. Raises Mono3DError if none do."""
        self._ask(context, owner, makes_undo=False)

    def _ask(self, context: bpy.types.Context, owner: bpy.types.Object, *, makes_undo: bool) -> None:
        from mathutils import Matrix

        from ..core.camera.depth_strength import strengthened
        from ..core.camera.known_distances import KnownDistances, sighting
        from .scene import camera, frame, source

        first, second = self._points(context, owner)
        if owner.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        eye, shown = camera.stored(owner), strengthened(reshaped.stored_settings(owner))
        if eye.is_panorama or source.is_metric(owner):
            raise Mono3DError(
                "Near and far do not apply to a panorama or to your own depth in metres; scale the object instead."
            )
        to_camera = Matrix(frame.pose(eye)).inverted()
        places = [to_camera @ point for point in (first, second)]
        seen = [sighting(frame.to_core((place.x, place.y, place.z)), eye, shown.near, shown.far) for place in places]
        measured = (self.first_distance, self.second_distance) if self.kind == _FROM_CAMERA else (self.apart,)
        scale = _scale(owner)
        distances = tuple(distance / scale for distance in measured)
        known = KnownDistances(seen[0], seen[1], distances, source.is_measured(owner))
        reshape_operators.reshaping().change(owner, {}, known=known, makes_undo=makes_undo)

    def _points(self, context: bpy.types.Context, owner: bpy.types.Object) -> "tuple[Vector, Vector]":
        """Returns both points in object space: those given, else selected vertices or empties."""
        from mathutils import Vector

        given: Any = self.properties
        if given.is_property_set("first") and given.is_property_set("second"):
            return Vector(self.first), Vector(self.second)
        if owner.mode == "EDIT":
            data: Any = owner.data
            owner.update_from_editmode()
            points = [vertex.co.copy() for vertex in data.vertices if vertex.select]
        else:
            to_local = _to_local(owner)
            empties = [one for one in context.selected_objects if one.type == "EMPTY"]
            points = [to_local @ one.matrix_world.translation for one in empties]
        if len(points) != 2:
            raise Mono3DError(
                "Pick two points of the mesh, or select two of its vertices in Edit Mode, or two empties."
            )
        return points[0], points[1]


class MONO3D_OT_pick_distances(bpy.types.Operator):
    """Click two points on the mesh, then enter their distances from the camera or the distance between them"""

    bl_idname = "mono3d.pick_distances"
    bl_label = "Pick Two Points"
    _uid = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the active object is a mesh of Mono3D that can be reshaped, in Object Mode."""
        return not cls._refuse(context)

    @classmethod
    def _refuse(cls, context: bpy.types.Context) -> str:
        """Returns why no points can be picked and sets it as poll message; empty if they can."""
        sentence = reshape_operators.refuse(cls, context)
        if not sentence and context.mode != "OBJECT":
            sentence = text("Leave Edit Mode first, or select two vertices and use Known Distances")
            cls.poll_message_set(sentence)
        return sentence

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> interface.Result:
        """Starts listening for clicks."""
        space: Any = context.space_data
        if space is None or space.type != "VIEW_3D" or context.window_manager is None:
            self.report({"ERROR"}, text("Use this in a 3D view."))
            return {"CANCELLED"}
        self._points: list[Any] = []
        self._say(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> interface.Result:
        """Handles clicks on the mesh; passes all other events on."""
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        region = _region_under(context, event)
        if region is None:
            return {"PASS_THROUGH"}
        try:
            owner = self._owner(context)
            if owner is None:
                return {"PASS_THROUGH"}
            point = _hit(region, owner, (event.mouse_x - region.x, event.mouse_y - region.y))
        except Mono3DError as error:
            self.cancel(context)
            self.report({"ERROR"}, filled(str(error)))
            return {"CANCELLED"}
        if point is None:
            self.report({"INFO"}, text("'{name}' is not under the mouse; click on the mesh.", name=owner.name))
            return {"RUNNING_MODAL"}
        self._uid = owner.session_uid
        self._points.append(point)
        marks.picked.show(owner, self._points)
        if len(self._points) < 2:
            self._say(context)
            return {"RUNNING_MODAL"}
        self._end_hint(context)
        try:
            _ask_for_distances(self._points[0], self._points[1])
        except RuntimeError as error:  # reported by the operator instead of opening its dialog
            self.cancel(context)
            self.report({"ERROR"}, interface.failure_of(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _owner(self, context: bpy.types.Context) -> bpy.types.Object | None:
        """Returns the mesh to click on: the active one, or that of the first point, which is made active again.

        Raises Mono3DError if its points can no longer be picked.
        """
        if self._points:
            first = reshaped.with_uid(self._uid)
            try:
                if first is not None and reshaped.target(context) != first:
                    context.view_layer.objects.active = first  # type: ignore[union-attr]
            except RuntimeError:  # it is no longer in this scene or view layer
                first = None
            if first is None:
                raise Mono3DError("The mesh with the first point is gone; pick two points on another mesh.")
        owner = reshaped.target(context)
        if owner is not None and (reason := self._refuse(context)):
            raise Mono3DError(f"{reason}.")
        return owner

    def cancel(self, context: bpy.types.Context) -> None:
        """Removes the marks and the hint."""
        marks.picked.hide()
        self._end_hint(context)

    def _end_hint(self, context: bpy.types.Context) -> None:
        if context.workspace:
            context.workspace.status_text_set(None)
        if context.area:
            context.area.header_text_set(None)

    def _say(self, context: bpy.types.Context) -> None:
        words = text(_HINTS[len(self._points)])
        if context.workspace:
            context.workspace.status_text_set(words)
        if context.area:
            context.area.header_text_set(words)


class MONO3D_OT_forget_distances(bpy.types.Operator):
    """Remove the measured distances, so that reshaping no longer keeps them; the mesh stays as it is"""

    bl_idname = "mono3d.forget_distances"
    bl_label = "Forget"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Returns whether the active object has measured distances."""
        owner = reshaped.target(context)
        return owner is not None and bool(owner.get(names.KNOWN)) and not reshaped.refusal(owner)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Removes them."""
        owner = reshaped.target(context)
        if owner is not None:
            del owner[names.KNOWN]
        return {"FINISHED"}


def _ask_for_distances(first: Any, second: Any) -> None:
    operators: Any = bpy.ops.mono3d  # type: ignore[attr-defined]
    operators.known_distances("INVOKE_DEFAULT", first=first, second=second)


def _to_local(owner: bpy.types.Object) -> "Matrix":
    """Returns the matrix from world to object space. Raises Mono3DError if the object's scale is 0."""
    try:
        return owner.matrix_world.inverted()
    except ValueError as error:
        raise Mono3DError(
            f"'{owner.name}' is scaled to 0, so nothing on it can be measured; change its scale first."
        ) from error


def _scale(owner: bpy.types.Object) -> float:
    """Returns the object's scale in the world, as the cube root of the volume scale. Raises Mono3DError if it is 0."""
    return float(abs(_to_local(owner).determinant()) ** (-1.0 / 3.0))


def _region_under(context: bpy.types.Context, event: bpy.types.Event) -> Any:
    """Returns the region of the 3D view under the mouse; None if a sidebar or toolbar covers it."""
    view = None
    for region in context.area.regions if context.area and context.area.type == "VIEW_3D" else ():
        across, up = event.mouse_x - region.x, event.mouse_y - region.y
        if not (0 <= across < region.width and 0 <= up < region.height):
            continue
        if region.type == "WINDOW":
            view = region
        elif region.type in _BARS and region.width > 1 and region.height > 1:
            return None
    return view


def _hit(region: Any, owner: bpy.types.Object, place: tuple[float, float]) -> Any:
    """Returns the point of the mesh, in object space, under the position `place` of the region; None if there is none.

    Raises Mono3DError if the object's scale is 0.
    """
    from bpy_extras import view3d_utils

    to_local = _to_local(owner)
    if not owner.visible_get():
        return None
    # In quad view each of the four regions has its own view.
    view = region.data
    origin = view3d_utils.region_2d_to_origin_3d(region, view, place)
    towards = view3d_utils.region_2d_to_vector_3d(region, view, place)
    direction = (to_local.to_3x3() @ towards).normalized()
    found, point, *_ = owner.ray_cast(to_local @ origin, direction)
    return (point.x, point.y, point.z) if found else None


class MONO3D_PT_known_distances(reshape_panel.Sidebar):
    """Measured distances of the active mesh."""

    bl_label = "Known Distances"
    bl_parent_id = "MONO3D_PT_active"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the measured distances and how to enter them."""
        layout: Any = self.layout
        owner = reshaped.target(context)
        words = reshaped.metric_words(owner) if owner is not None else ""
        if words:
            column = layout.column(align=True)
            for line in state.wrapped(text("Metric: {words}.", words=filled(words))):
                column.label(text=line, translate=False)
            layout.operator("mono3d.forget_distances", icon="X")
        layout.operator("mono3d.pick_distances", icon="EYEDROPPER")
        if context.mode == "EDIT_MESH":
            layout.operator("mono3d.known_distances", text="From Selected Vertices", icon="VERTEXSEL")


CLASSES = (
    MONO3D_OT_known_distances,
    MONO3D_OT_pick_distances,
    MONO3D_OT_forget_distances,
    MONO3D_PT_known_distances,
)
