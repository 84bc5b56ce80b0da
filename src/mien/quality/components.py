"""The measures themselves: one entry of `COMPONENTS` each, a value from a `Sample`.

The set follows the capture-related components of ISO/IEC 29794-5:2025 as OFIQ names them, as far as they can be had
without a segmentation network. Values are in units that a person understands; limits live in `quality.profiles`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mien.quality import detail, framing, light, surface
from mien.quality.sample import Sample

NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Component:
    """How one measure is taken and spoken of.

    template: the finding as a sentence, `{}` for the number. ways: for signed angles, the words for a negative and a
    positive one. too_low, too_high: what a failed limit means, put before the finding.
    """

    title: str
    unit: str
    digits: int
    template: str
    measure: Callable[[Sample], float]
    too_low: str = ""
    too_high: str = ""
    ways: tuple[str, str] | None = None

    def number(self, value: float, beside: float | None = None) -> str:
        """`value` as a person reads it, with more digits where it would look equal to `beside`."""
        digits = self.digits
        while beside is not None and digits < 6 and f"{value:.{digits}f}" == f"{beside:.{digits}f}" and value != beside:
            digits += 1
        return f"{value:.{digits}f}"

    def say(self, value: float, beside: float | None = None) -> str:
        """The finding in words, told apart from `beside` as `number` does."""
        if self.ways is None:
            return self.template.format(self.number(value, beside))
        size = self.number(abs(value), None if beside is None else abs(beside))
        return self.template.format(size, self.ways[value > 0])


def _pose(angle: str) -> Callable[[Sample], float]:
    return lambda sample: NAN if sample.mesh is None else float(getattr(sample.mesh.pose, angle))


def _eyes_open(sample: Sample) -> float:
    return NAN if sample.mesh is None else min(sample.mesh.eyes.right_openness, sample.mesh.eyes.left_openness)


def _mouth(sample: Sample) -> float:
    return NAN if sample.mesh is None else sample.mesh.mouth_openness


COMPONENTS: Final[Mapping[str, Component]] = MappingProxyType(
    {
        "face_presence": Component(
            "Presence of a face",
            "belief",
            2,
            "the mesh network's belief in a face is {}",
            lambda one: one.presence,
            too_low="hardly a face",
        ),
        "detection": Component(
            "Detection",
            "belief",
            2,
            "the detector's belief in a face is {}",
            lambda one: one.view.detection.score,
            too_low="hardly a face",
        ),
        "inter_eye_distance": Component(
            "The distance between the eyes", "px", 0, "{} px between the eyes", framing.inter_eye_distance
        ),
        "sharpness": Component("Sharpness", "%", 0, "sharpness {} %", detail.sharpness, "blurred", "grainy"),
        "fine_sharpness": Component(
            "Fine sharpness", "%", 0, "fine sharpness {} %", detail.fine_sharpness, "blurred", "grainy"
        ),
        "blocks": Component(
            "Compression",
            "%",
            0,
            "edges of compression blocks are {} % steeper than the rest",
            detail.blocks,
            too_high="compressed too much",
        ),
        "luminance": Component("Brightness", "%", 0, "brightness {} %", light.luminance, "too dark", "too bright"),
        "contrast": Component("Contrast", "%", 0, "contrast {} %", light.contrast, "too flat", "too harsh"),
        "under_exposure": Component("The share in black", "%", 0, "{} % of the face is black", light.under_exposure),
        "over_exposure": Component("The share in white", "%", 0, "{} % of the face is white", light.over_exposure),
        "illumination_uniformity": Component(
            "Evenness of the light",
            "%",
            0,
            "the darker half of the face has {} % of the brighter half's light",
            light.illumination_uniformity,
            "lit from one side",
        ),
        "yaw": Component(
            "Yaw", "degrees", 0, "head turned {}° towards the image's {}", _pose("yaw_degrees"), ways=("right", "left")
        ),
        "pitch": Component(
            "Pitch", "degrees", 0, "head tipped {}° {}", _pose("pitch_degrees"), ways=("upwards", "downwards")
        ),
        "roll": Component(
            "Roll", "degrees", 0, "head tilted {}° {}", _pose("roll_degrees"), ways=("anticlockwise", "clockwise")
        ),
        "eyes_open": Component(
            "Openness of the eyes",
            "ratio",
            2,
            "the lids of the narrower eye are {} of its width apart",
            _eyes_open,
            "an eye is shut",
        ),
        "mouth_closed": Component(
            "Openness of the mouth",
            "ratio",
            2,
            "the lips are {} of the mouth's width apart",
            _mouth,
            too_high="mouth open",
        ),
        "uncovered": Component(
            "What covers the face",
            "%",
            0,
            "{} % of the face has the colour of its skin",
            surface.uncovered,
            "something covers the face",
        ),
        "face_in_picture": Component(
            "The part of the face within the picture",
            "%",
            0,
            "{} % of the face lies within the picture",
            framing.face_in_picture,
            "cut off by the picture's edge",
        ),
        "head_in_picture": Component(
            "The part of the head within the picture",
            "%",
            0,
            "{} % of the head lies within the picture",
            framing.head_in_picture,
            "cut off by the picture's edge",
        ),
        "head_length": Component(
            "Length of the head",
            "%",
            0,
            "the head takes {} % of the picture's height",
            framing.head_length,
            "too far away",
            "too close",
        ),
        "head_width": Component(
            "Width of the head",
            "%",
            0,
            "the head takes {} % of the picture's width",
            framing.head_width,
            "too far away",
            "too close",
        ),
        "head_centre_x": Component(
            "Place of the head",
            "%",
            0,
            "the eyes lie at {} % of the picture's width",
            framing.head_centre_x,
            "too far left",
            "too far right",
        ),
        "head_centre_y": Component(
            "Place of the head",
            "%",
            0,
            "the eyes lie at {} % of the picture's height",
            framing.head_centre_y,
            "too high up",
            "too low down",
        ),
        "background_unevenness": Component(
            "The background",
            "CIE Lab units",
            0,
            "the background's colour varies by {} units",
            surface.background_unevenness,
            too_high="uneven background",
        ),
        "natural_colour": Component(
            "Colour of the face",
            "CIE Lab units",
            0,
            "the face's colour is {} units off that of skin",
            light.natural_colour,
            too_high="unnatural colour",
        ),
    }
)
"""Every measure by its name."""
