# SPDX-License-Identifier: GPL-3.0-or-later
"""Two measured distances make the active mesh metric: picking points, taking the distances, and a panel."""

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, FloatProperty, FloatVectorProperty

from ..errors import Mono3DError
from . import interface, marks, names, reshape_panel, state
from .scene import reshaped

# What brings numpy is imported when it is needed.
if TYPE_CHECKING:
    from mathutils import Matrix, Vector

_HINT = "Mono3D: click the {which} point on the mesh; ESC or right click cancels"
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


class MONO3D_OT_known_distances(reshape_panel.ReshapeOperator):
    """Make the mesh metric by what you measured of two points: their distances from the camera or from each other.

    Without given points: the two selected vertices in Edit Mode, or two selected empties"""

    bl_idname = "mono3d.known_distances"
    bl_label = "Known Distances"

    kind: EnumProperty(  # type: ignore[valid-type]
        name="Measured",
        description="What was measured",
        items=[
            (_FROM_CAMERA, "From the camera", "How far each point is from the camera, in a straight line"),
            (_BETWEEN, "Between the points", "How far the points are from each other"),
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
        """Shows what the mesh says now and asks for the distances."""
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
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.first, self.second = first, second
        self.first_distance, self.second_distance = (scale * (point - eye).length for point in (first, second))
        self.apart = (first - second).length * scale
        marks.picked.show(owner, [first, second])
        manager: Any = context.window_manager
        return manager.invoke_props_dialog(self, width=320)

    def draw(self, context: bpy.types.Context) -> None:
        """Shows the distances that are asked for."""
        layout: Any = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "kind")
        for name in ("first_distance", "second_distance") if self.kind == _FROM_CAMERA else ("apart",):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Solves and makes the mesh anew: at once when called, else, after the dialogue, while Blender stays usable."""
        marks.picked.hide()
        if bpy.app.background or not self.options.is_invoke:
            return super().execute(context)
        owner = reshaped.target(context)
        try:
            if owner is not None:
                self._ask(context, owner, makes_undo=True)
        except Mono3DError as error:
            self.report({"ERROR"}, str(error))
        reshape_panel.start()
        # Nothing has changed yet: the undo step comes with the mesh.
        return {"CANCELLED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Takes the marks away with the dialogue."""
        marks.picked.hide()

    def ask(self, context: bpy.types.Context, owner: bpy.types.Object) -> None:
        """Asks for near and far that give the points their distances. Raises Mono3DError when none do."""
        self._ask(context, owner, makes_undo=False)

    def _ask(self, context: bpy.types.Context, owner: bpy.types.Object, *, makes_undo: bool) -> None:
        from mathutils import Matrix

        from ..core.camera.known_distances import KnownDistances, sighting
        from .scene import camera, frame, source

        first, second = self._points(context, owner)
        if owner.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        eye, settings = camera.stored(owner), reshaped.stored_settings(owner)
        if eye.is_panorama or source.is_metric(owner):
            raise Mono3DError("Near and far have no say in a panorama or where your own depth is in metres; scale it.")
        to_camera = Matrix(frame.pose(eye)).inverted()
        places = [to_camera @ point for point in (first, second)]
        seen = [
            sighting(frame.to_core((place.x, place.y, place.z)), eye, settings.near, settings.far) for place in places
        ]
        measured = (self.first_distance, self.second_distance) if self.kind == _FROM_CAMERA else (self.apart,)
        scale = _scale(owner)
        known = KnownDistances(seen[0], seen[1], tuple(distance / scale for distance in measured))
        reshape_panel.reshaping().change(owner, {}, known=known, makes_undo=makes_undo)

    def _points(self, context: bpy.types.Context, owner: bpy.types.Object) -> "tuple[Vector, Vector]":
        """Returns both points in the object's coordinates: those given, else selected vertices or empties."""
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
                "Pick two points of the mesh, or select two of its vertices in Edit Mode, or two empties beside it."
            )
        return points[0], points[1]


class MONO3D_OT_pick_distances(bpy.types.Operator):
    """Click two points on the mesh, then enter their distances from the camera or from each other"""

    bl_idname = "mono3d.pick_distances"
    bl_label = "Pick Two Points"
    _uid = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it in a 3D view, in Object Mode, for a mesh of Mono3D."""
        return not cls._refuse(context)

    @classmethod
    def _refuse(cls, context: bpy.types.Context) -> str:
        """Returns why no points can be picked, and tells Blender; empty when they can."""
        sentence = reshape_panel.refuse(cls, context)
        if not sentence and context.mode != "OBJECT":
            sentence = "Leave Edit Mode first, or select two vertices and use Known Distances"
            cls.poll_message_set(sentence)
        return sentence

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> interface.Result:
        """Starts listening for clicks."""
        space: Any = context.space_data
        if space is None or space.type != "VIEW_3D" or context.window_manager is None:
            self.report({"ERROR"}, "Use this in a 3D view.")
            return {"CANCELLED"}
        self._points: list[Any] = []
        self._say(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> interface.Result:
        """Takes clicks on the mesh; leaves moving the view to Blender."""
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
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if point is None:
            self.report({"INFO"}, f"There is no part of '{owner.name}' under the mouse; click on it.")
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
        except RuntimeError as error:  # the sentence that the dialogue has reported instead of opening
            self.cancel(context)
            self.report({"ERROR"}, str(error).strip().removeprefix("Error: "))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _owner(self, context: bpy.types.Context) -> bpy.types.Object | None:
        """Returns the mesh to click on: that of the first point, which becomes the active one again; else that now is.

        Raises Mono3DError when its points can no longer be picked.
        """
        if self._points:
            first = next((one for one in bpy.data.objects if one.session_uid == self._uid), None)
            try:
                if first is not None and reshaped.target(context) != first:
                    context.view_layer.objects.active = first  # type: ignore[union-attr]
            except RuntimeError:  # it is in another scene or collection by now
                first = None
            if first is None:
                raise Mono3DError("The mesh with the first point is gone; pick two points of another one.")
        owner = reshaped.target(context)
        if owner is not None and (reason := self._refuse(context)):
            raise Mono3DError(f"{reason}.")
        return owner

    def cancel(self, context: bpy.types.Context) -> None:
        """Takes the marks and the hint away."""
        marks.picked.hide()
        self._end_hint(context)

    def _end_hint(self, context: bpy.types.Context) -> None:
        if context.workspace:
            context.workspace.status_text_set(None)
        if context.area:
            context.area.header_text_set(None)

    def _say(self, context: bpy.types.Context) -> None:
        words = _HINT.format(which=("first", "second")[len(self._points)])
        if context.workspace:
            context.workspace.status_text_set(words)
        if context.area:
            context.area.header_text_set(words)


class MONO3D_OT_forget_distances(bpy.types.Operator):
    """No longer hold the mesh to the measured distances; it stays as it is"""

    bl_idname = "mono3d.forget_distances"
    bl_label = "Forget"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Offers it for a metric mesh."""
        owner = reshaped.target(context)
        return owner is not None and bool(owner.get(names.KNOWN)) and not reshaped.refusal(owner)

    def execute(self, context: bpy.types.Context) -> interface.Result:
        """Forgets them."""
        owner = reshaped.target(context)
        if owner is not None:
            del owner[names.KNOWN]
        return {"FINISHED"}


def _ask_for_distances(first: Any, second: Any) -> None:
    operators: Any = bpy.ops.mono3d  # type: ignore[attr-defined]
    operators.known_distances("INVOKE_DEFAULT", first=first, second=second)


def _to_local(owner: bpy.types.Object) -> "Matrix":
    """Returns what takes places of the world to the object's own coordinates. Raises Mono3DError where nothing does."""
    try:
        return owner.matrix_world.inverted()
    except ValueError as error:
        raise Mono3DError(
            f"'{owner.name}' is scaled to 0, so that nothing on it can be measured; give it another scale first."
        ) from error


def _scale(owner: bpy.types.Object) -> float:
    """Returns how much larger the object is in the world than in itself. Raises Mono3DError where that is 0."""
    return float(abs(_to_local(owner).determinant()) ** (-1.0 / 3.0))


def _region_under(context: bpy.types.Context, event: bpy.types.Event) -> Any:
    """Returns the region of the 3D view under the mouse, None where a bar lies over it, such as the sidebar."""
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
    """Returns the point of the mesh, in its own coordinates, under a place of the region; None where there is none.

    Raises Mono3DError where the object is scaled to nothing.
    """
    from bpy_extras import view3d_utils

    to_local = _to_local(owner)
    if not owner.visible_get():
        return None
    # In quad view each of the four regions looks its own way.
    view = region.data
    origin = view3d_utils.region_2d_to_origin_3d(region, view, place)
    towards = view3d_utils.region_2d_to_vector_3d(region, view, place)
    direction = (to_local.to_3x3() @ towards).normalized()
    found, point, *_ = owner.ray_cast(to_local @ origin, direction)
    return (point.x, point.y, point.z) if found else None


class MONO3D_PT_known_distances(reshape_panel.Sidebar):
    """Makes the active mesh metric."""

    bl_label = "Known Distances"
    bl_parent_id = "MONO3D_PT_active"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Shows whether the mesh is metric, and how to make it so."""
        layout: Any = self.layout
        owner = reshaped.target(context)
        words = reshaped.metric_words(owner) if owner is not None else ""
        if words:
            column = layout.column(align=True)
            for line in state.wrapped(f"Metric: {words}."):
                column.label(text=line)
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
