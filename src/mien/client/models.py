"""The answers, and what is sent: the service's own models, which cannot be changed."""

from __future__ import annotations

from mien.server.caller import Role
from mien.server.problem import Problem
from mien.server.schema.accounts import AccountChange, AccountChanged, AccountMade, AccountNew, AccountOut
from mien.server.schema.analysis import Analysis, Box, Detection, Embedding, Expression, Face, FaceMesh, Quality
from mien.server.schema.audit import AuditEntry, AuditVerdict
from mien.server.schema.calibrations import Calibration, Calibrations
from mien.server.schema.cameras import Camera, CameraDetail, CameraList
from mien.server.schema.comparison import Comparison, Decision
from mien.server.schema.events import LoggedEvent, OutputState, OutputStates
from mien.server.schema.gallery import Dial, Finding, Findings, GalleryInfo
from mien.server.schema.health import Health
from mien.server.schema.identification import Identification, Identifications, IdentifiedFace
from mien.server.schema.keys import KeyMade, KeyNew, KeyOut
from mien.server.schema.live import LiveAnswer, LiveMoment, LiveReady, LiveStart, LiveTerms
from mien.server.schema.models import Model, Models
from mien.server.schema.people import (
    ConsentIn,
    Correction,
    CorrectionAnswer,
    Corrections,
    Enrolment,
    EnrolmentProblem,
    History,
    JudgedPhoto,
    MergeIn,
    People,
    Person,
    PersonChange,
    PersonIn,
    Receipt,
    TemplateInfo,
    Templates,
)
from mien.server.schema.preferences import PreferencesChange, PreferencesOut
from mien.server.schema.session import LogIn, NewPassword, SessionOut, Welcome
from mien.server.schema.videos import Job, VideoResult
from mien.server.schema.wire import Failed, NotAsked, Rate, Uncalibrated

__all__ = [
    "AccountChange",
    "AccountChanged",
    "AccountMade",
    "AccountNew",
    "AccountOut",
    "Analysis",
    "AuditEntry",
    "AuditVerdict",
    "Box",
    "Calibration",
    "Calibrations",
    "Camera",
    "CameraDetail",
    "CameraList",
    "Comparison",
    "ConsentIn",
    "Correction",
    "CorrectionAnswer",
    "Corrections",
    "Decision",
    "Detection",
    "Dial",
    "Embedding",
    "Enrolment",
    "EnrolmentProblem",
    "Expression",
    "Face",
    "FaceMesh",
    "Failed",
    "Finding",
    "Findings",
    "GalleryInfo",
    "Health",
    "History",
    "Identification",
    "Identifications",
    "IdentifiedFace",
    "Job",
    "JudgedPhoto",
    "KeyMade",
    "KeyNew",
    "KeyOut",
    "LiveAnswer",
    "LiveMoment",
    "LiveReady",
    "LiveStart",
    "LiveTerms",
    "LogIn",
    "LoggedEvent",
    "MergeIn",
    "Model",
    "Models",
    "NewPassword",
    "NotAsked",
    "OutputState",
    "OutputStates",
    "People",
    "Person",
    "PersonChange",
    "PersonIn",
    "PreferencesChange",
    "PreferencesOut",
    "Problem",
    "Quality",
    "Rate",
    "Receipt",
    "Role",
    "SessionOut",
    "TemplateInfo",
    "Templates",
    "Uncalibrated",
    "VideoResult",
    "Welcome",
]
