"""A window that shows annotated frames as they come."""

from __future__ import annotations

from typing import Any, Self

from PIL import Image

from mien.errors import ExtraMissing, SinkError
from mien.video.frame import Frame
from mien.video.moment import Moment
from mien.video.sink.annotated import Annotator

MOST_PX = 1280


class Screen:
    """One window by Tk, which comes with most Pythons. To be used by the main thread, inside `with`."""

    def __init__(self, title: str) -> None:
        """Raises ExtraMissing where Python has no Tk, SinkError where there is no display."""
        try:
            import tkinter

            from PIL import ImageTk
        except ImportError as error:
            raise ExtraMissing(
                "This Python has no Tk, which shows the window.", "Install it (python3-tk), or leave out --window."
            ) from error
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise SinkError(f"No window can be opened: {error}.", "Leave out --window.") from error
        self._root.title(f"mien  {title}")
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._picture: Any = None
        self._photo_image = ImageTk.PhotoImage
        self._annotator: Annotator | None = None
        self._open = True
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        self._root.bind("<Key-q>", lambda _: self._close())
        self._root.bind("<Escape>", lambda _: self._close())

    def show(self, frame: Frame, moment: Moment) -> bool:
        """Show a frame; False where the window was closed, by its button, q or Escape."""
        if not self._open:
            return False
        annotator = self._annotator = self._annotator or Annotator(frame.pixels.shape[0])
        picture = Image.fromarray(annotator.draw(frame, moment))
        picture.thumbnail((MOST_PX, MOST_PX))
        self._picture = self._photo_image(picture, master=self._root)
        self._label.configure(image=self._picture)
        self._root.update()
        return self._open

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._root.destroy()

    def _close(self) -> None:
        self._open = False
