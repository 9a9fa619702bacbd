"""A report as one HTML file that needs nothing else: tables, and figures inside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from fxsim._core.errors import MissingDependencyError
from fxsim.report.canvas import png

try:
    import jinja2
except ImportError as error:
    raise MissingDependencyError("jinja2 must be installed: pip install 'fxsim[plot]'") from error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from fxsim._core.tables import Table
    from fxsim.analysis import Part


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as base64 PNG, and what it shows in words."""

    alt: str
    png: str

    @classmethod
    def of(cls, figure: Figure) -> Picture:
        """Draw `figure`; its heading is the description."""
        return cls(figure.get_suptitle(), base64.b64encode(png(figure)).decode("ascii"))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what to know, figures, tables, sentences below them."""

    title: str
    text: str = ""
    figures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    sentences: Sequence[str] = ()


def html_page(title: str, facts: Sequence[tuple[str, str]], sections: Sequence[Section]) -> str:
    """The HTML text; everything but the tables' own markup is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    text = (resources.files("fxsim.report") / "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text).render(title=title, facts=facts, sections=sections)


def placed(parts: Sequence[Part], figures: Mapping[str, Figure], places: Mapping[str, str]) -> list[Section]:
    """The parts of a report as sections of a page, each with the figures whose place is its title."""
    pictures = {stem: Picture.of(figure) for stem, figure in figures.items()}
    return [
        Section(
            part.title,
            part.text,
            [picture for stem, picture in pictures.items() if places[stem] == part.title],
            part.tables,
            part.sentences,
        )
        for part in parts
    ]
