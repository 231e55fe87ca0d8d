"""The page that `spikey analyze` writes: one HTML file that needs nothing else, and its pictures.

Pictures are SVG inside the page, drawn for the width of a phone. The same numbers give the same
page: it holds no dates.
"""

from __future__ import annotations

from ...version import __version__
from ..analysis.analyse import Analysis
from ..figures.style import styled
from . import (
    converter,
    distributions,
    entropies,
    given,
    outliers,
    spikes,
    topology,
    waveforms,
)
from .markup import count
from .phone import STYLE
from .template import HEAD

SECTIONS = (  # identifier, title, module
    ("given", "What was given", given),
    ("waveforms", "Waveforms and spectrograms", waveforms),
    ("converter", "The converter", converter),
    ("distributions", "Amplitudes and residuals", distributions),
    ("entropies", "Entropies and file sizes", entropies),
    ("topology", "Simultaneous leads", topology),
    ("spikes", "Spikes", spikes),
    ("outliers", "Outliers and railed leads", outliers),
)


def page(analysis: Analysis) -> str:
    """The whole report on an analysis, as the text of an HTML file. Needs matplotlib and scipy."""
    with styled(STYLE):
        bodies = [module.section(analysis) for _, _, module in SECTIONS]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in SECTIONS)
    sections = "".join(
        f'<section id="{name}">\n<h2>{number}. {title}</h2>\n{body}\n</section>\n'
        for number, ((name, title, _), body) in enumerate(zip(SECTIONS, bodies, strict=False), 1)
    )
    return (
        f"{HEAD}<body>\n<h1>Analysis of {count(len(analysis.files), 'recording')}</h1>\n"
        f'<p class="note">Made by spikey {__version__}, <code>spikey analyze</code>.</p>\n'
        f"<nav><ol>{links}</ol></nav>\n{sections}</body>\n</html>\n"
    )
