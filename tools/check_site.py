"""Look at every page of the built documentation in headless Chromium.

    sphinx-build -W -n docs docs/_build
    python tools/check_site.py docs/_build            # or: nox -s site

Each page is opened at two widths, in light and in dark mode, without network. A page must not
overflow its window, log an error, lack the text of an image, leave a formula undrawn or show text
with a contrast below that of WCAG 2 AA; its links to other pages must lead somewhere. With
``--pictures DIR`` the pages are also stored as pictures. Needs the package `playwright` and
Chromium: ``playwright install chromium``, or the one of the system (option ``--browser``).
"""

from __future__ import annotations

import argparse
import functools
import http.server
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WIDTHS = (1280, 390)
MODES = ("light", "dark")
MIN_CONTRAST, MIN_CONTRAST_LARGE = 4.5, 3.0  # WCAG 2, level AA

# Runs in a page: its problems, one string each.
PROBLEMS = """
([minimum, minimumLarge]) => {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) {
    const wide = [...document.querySelectorAll("article *")]
      .filter(e => e.getBoundingClientRect().right > root.clientWidth + 1)
      .map(e => e.tagName.toLowerCase() + "." + e.className).slice(0, 3);
    found.push(`wider than the window: ${root.scrollWidth} > ${root.clientWidth}; ${wide}`);
  }
  for (const image of document.querySelectorAll("img")) {
    if (image.getAttribute("alt") === null) found.push(`image without text: ${image.src}`);
    else if (image.offsetParent && !image.naturalWidth) found.push(`broken image: ${image.src}`);
  }
  for (const formula of document.querySelectorAll(".math")) {
    if (!formula.querySelector("mjx-container")) found.push(`formula: ${formula.textContent}`);
    else if (formula.querySelector("mjx-merror")) found.push(`formula: ${formula.textContent}`);
  }
  const parse = text => {
    const parts = (text.match(/[\\d.]+/g) || []).map(Number);
    if (text.startsWith("color(srgb")) for (let i = 0; i < 3; i++) parts[i] *= 255;
    return parts.length > 3 ? parts : [...parts, 1];
  };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3])).concat(1);
  const luminance = c => {
    const [r, g, b] = c.slice(0, 3).map(v => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest("mjx-assistive-mml, script, style, noscript, svg")) continue;
    const style = getComputedStyle(element);
    if (style.visibility === "hidden" || Number(style.opacity) === 0) continue;
    const below = ground(element);
    const ink = over(parse(style.color), below);
    const [a, b] = [luminance(ink), luminance(below)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? minimumLarge : minimum)) {
      const key = `${element.tagName}.${element.className}`;
      if (!seen.has(key)) found.push(
        `contrast ${contrast.toFixed(2)} of ${key}: ` +
        walker.currentNode.textContent.trim().slice(0, 40));
      seen.add(key);
    }
  }
  return found;
}
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site without a line for each request."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def served(folder: Path) -> http.server.ThreadingHTTPServer:
    """A server of the files in `folder` on a free port of this machine; it runs until shut down."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def pages(folder: Path) -> list[str]:
    """The pages of a site, without the source texts of modules, which are only lines of code."""
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*.html"))
    return sorted(name for name in found if not name.startswith(("_modules/", "_static/")))


def broken_links(folder: Path) -> Iterator[str]:
    """Links to files and anchors of the site that are not there."""
    anchors: dict[Path, set[str]] = {}
    for name in pages(folder):
        text = (folder / name).read_text(encoding="utf-8")
        for target in sorted(set(re.findall(r'(?:href|src)="([^"]*)"', text))):
            file, _, anchor = target.partition("#")
            file = file.partition("?")[0]
            if re.match(r"[a-z]+:|//", target):
                continue
            path = (folder / name).parent / file if file else folder / name
            if path.is_dir():
                path /= "index.html"
            if not path.exists():
                yield f"{name}: link to {target}, which is not there"
            elif anchor and path.suffix == ".html":
                found = anchors.get(path)
                if found is None:
                    html = path.read_text(encoding="utf-8")
                    found = anchors[path] = set(re.findall(r'\bid="([^"]*)"', html))
                if anchor not in found and anchor != "":
                    yield f"{name}: link to {target}, whose anchor is not there"


def foreign_requests(folder: Path) -> Iterator[str]:
    """Scripts, styles, images and fonts that a page would load from another server."""
    loads = re.compile(
        r'<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)="((?:https?:)?//[^"]*)'
    )
    for name in pages(folder):
        text = (folder / name).read_text(encoding="utf-8")
        for target in sorted(set(loads.findall(text))):
            yield f"{name}: loads {target}"
    for style in folder.rglob("*.css"):
        for target in re.findall(r"url\(['\"]?((?:https?:)?//[^)]*)", style.read_text("utf-8")):
            yield f"{style.relative_to(folder)}: loads {target}"


def seen_on(page: Any, root: str, name: str, width: int, pictures: Path | None) -> Iterator[str]:
    """The problems that Chromium sees on one page of a site, at one width."""
    said: list[str] = []
    listeners = {
        "console": lambda message: said.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: said.append(str(error)),
        "requestfailed": lambda request: said.append(f"not loaded: {request.url}"),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(root + name, wait_until="load")
    page.evaluate("window.MathJax?.startup?.promise")
    for mode in MODES:
        page.evaluate(f"document.body.dataset.theme = '{mode}'")
        for text in page.evaluate(PROBLEMS, [MIN_CONTRAST, MIN_CONTRAST_LARGE]):
            yield f"{name}, {width} px, {mode}: {text}"
        if pictures:
            file = f"{name.removesuffix('.html').replace('/', '-')}-{width}-{mode}.png"
            page.screenshot(path=pictures / file, full_page=True)
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    yield from (f"{name}, {width} px: {text}" for text in said)


def looked_at(
    folder: Path, names: list[str], browser: str | None, pictures: Path | None
) -> Iterator[str]:
    """The problems that Chromium sees on pages of a site."""
    from playwright.sync_api import sync_playwright

    server = served(folder)
    root = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for width in WIDTHS:
            page = chromium.new_page(viewport={"width": width, "height": 900})
            page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
            for name in names:
                yield from seen_on(page, root, name, width, pictures)
            page.close()
        chromium.close()
    server.shutdown()


def main(argv: list[str] | None = None) -> int:
    """Check a site; 1 if a problem was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("site", type=Path, help="folder of the built pages")
    parser.add_argument("--browser", help="the program (default: playwright's, else chromium)")
    parser.add_argument("--pages", default=".*", help="pattern of the names of pages to open")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="store pictures here")
    parser.add_argument("--no-browser", action="store_true", help="check links and sources only")
    options = parser.parse_args(argv)
    folder = options.site.resolve()
    problems = [*broken_links(folder), *foreign_requests(folder)]
    if not options.no_browser:
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
        browser = options.browser or shutil.which("chromium") or shutil.which("google-chrome")
        names = [name for name in pages(folder) if re.fullmatch(options.pages, name)]
        problems += looked_at(folder, names, browser, options.pictures)
    for problem in problems:
        print(problem)
    print(f"{len(pages(folder))} pages, {len(problems)} problems")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
