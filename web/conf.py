"""Sphinx's configuration of the site; ``tools/build_site.py`` calls it."""

import re
from html import escape

from docutils.nodes import SkipNode

project = "DDIM Lessons"
html_title = "DDIM Lessons"
copyright = "text and pictures: CC BY 4.0, code: MIT"
author = ""
extensions = ["myst_nb"]
root_doc = "index"
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = "Show the imports", "Hide the imports"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_dmath_double_inline = True
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]
html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_download_button": False,  # each lesson's first lines have the link to its notebook
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the side bar has the search
    "extra_footer": "<p>Nothing on this site is asked of another server.</p>",
}
html_context = {"default_mode": "auto"}
html_favicon = "static/icon.svg"
html_sidebars = {"**": ["search-button-field.html", "sbt-sidebar-nav.html"]}
html_static_path = ["static"]
html_css_files = ["katex/katex.min.css", "site.css"]
html_js_files = [("katex/katex.min.js", {"defer": "defer"}), ("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_math_renderer = "katex"
TAG = re.compile(r"\\tag\{([\d.]+)\}")


def inline_math(self, node):
    """Write a formula as its TeX, which KaTeX typesets in the reader's browser."""
    self.body.append(f'<span class="tex">{escape(node.astext())}</span>')
    raise SkipNode


def block_math(self, node):
    """Write a displayed formula; a numbered one, \\tag{7.1}, can be linked to as #eq-7.1."""
    tex = node.astext()
    marks = "".join(f'<span id="eq-{number}"></span>' for number in TAG.findall(tex))
    self.body.append(f'{marks}<div class="tex" tabindex="0">{escape(tex)}</div>\n')
    raise SkipNode


def setup(app):
    """Register the renderer of formulas."""
    app.add_html_math_renderer("katex", (inline_math, None), (block_math, None))
