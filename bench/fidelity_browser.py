"""What a reader of a page sees: the text that Chromium shows, its headings, and which of it is navigation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

# Closed details are text that a reader can open; what stands in noscript is seen by nobody whose browser runs
# scripts. What is navigation, the page says by its elements, its roles, or the class names of its generator.
_LOOK = r"""
(() => {
  if (!document.body) return JSON.stringify({text: "", headings: [], navigation: [], unseen: ""});
  document.querySelectorAll("details").forEach(d => { d.open = true; });
  document.querySelectorAll("noscript").forEach(e => e.remove());
  // What is skipped while it is off the screen is seen by whoever scrolls.
  for (const e of document.querySelectorAll("*"))
    e.style.setProperty("content-visibility", "visible", "important");
  const seen = e => e.checkVisibility() && e.innerText.trim();
  const names = new RegExp("^(nav.*|.*nav|.*navigation|sidebar|sphinx(sidebar|footer)|related|breadcrumbs?|" +
    "toc|headerlink|menu|sub-menu|header|footer|skip-.*|mobile-.*|md-(header|footer|sidebar))$");
  const strict = "nav,footer,form,button,select," +
    "[role=navigation],[role=banner],[role=contentinfo],[role=search]";
  const chrome = e => e.matches(strict) ||
    ([...e.classList, e.id].some(c => c && names.test(c)) && !e.querySelector("h1,h2"));
  const navigation = [], inside = [];
  const walk = e => { for (const c of e.children) {
    if (c.matches("main,article,h1,h2,h3,h4,h5,h6") || !chrome(c)) walk(c);
    else if (seen(c)) { navigation.push(c.innerText); inside.push(c); } } };
  walk(document.body);
  const headings = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")]
    .filter(h => seen(h) && !inside.some(e => e.contains(h))).map(h => h.innerText);
  const marks = [...document.querySelectorAll("ol>li")].filter(seen).map(li => {
    const before = [...li.parentElement.children].filter(e => e.tagName === "LI");
    return li.value || (li.parentElement.start || 1) + before.indexOf(li); });
  const names_again = [...document.querySelectorAll("table")].flatMap(t =>
    [...t.rows].map(() => t.rows[0].innerText));
  const named = [...document.querySelectorAll("[alt],[title],[aria-label]")].map(e =>
    [e.getAttribute("alt"), e.getAttribute("title"), e.getAttribute("aria-label")].filter(Boolean).join(" "));
  const unseen = [...marks, ...names_again, ...named].join("\n");
  // What is not drawn at all would come with its scripts.
  const text = document.body.checkVisibility() ? document.body.innerText : "";
  return JSON.stringify({text, headings, navigation, unseen});
})()
"""
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-extensions --no-first-run --mute-audio "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--window-size=1280,1600 --remote-debugging-pipe "
    "--host-resolver-rules=MAP\\ *\\ ~NOTFOUND --disable-dev-shm-usage"
)


class Browser(AbstractContextManager["Browser"]):
    """One Chromium for all pages, without scripts and without a network."""

    def __init__(self) -> None:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            raise FileNotFoundError("chromium is not installed")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (to_read, self._to), (self._from, to_write) = os.pipe(), os.pipe()
        command = (
            f"exec '{program}' {_FLAGS} --user-data-dir='{self._profile.name}' 3<&{to_read} 4>&{to_write}"
        )
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._answers = os.fdopen(self._from, "rb")
        self._pending = b""
        self._last = 0
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime"):
            self._page(f"{domain}.enable")
        self._page("Emulation.setScriptExecutionDisabled", {"value": True})

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        self._answers.close()
        self._profile.cleanup()

    def look(self, page: Path) -> dict[str, Any]:
        """`text`, `headings`, the texts of its `navigation`, and as `unseen` what the text lacks:
        numbers of list items, names of pictures, the names of columns once more in each row."""
        self._page("Page.navigate", {"url": page.resolve().as_uri()})
        while self._evaluate("document.readyState")["result"].get("value") != "complete":
            time.sleep(0.01)
        shown = self._evaluate(_LOOK)
        if "exceptionDetails" in shown:
            raise RuntimeError(f"chromium: {page}: {shown['exceptionDetails']}")
        found: dict[str, Any] = json.loads(shown["result"]["value"])
        return found

    def _evaluate(self, expression: str) -> dict[str, Any]:
        """Once more where the page led on to another meanwhile."""
        values = {"expression": expression, "returnByValue": True}
        try:
            return self._page("Runtime.evaluate", values)
        except RuntimeError:
            time.sleep(0.5)
            return self._page("Runtime.evaluate", values)

    def _page(self, method: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._call(method, values or {}, self._session)

    def _call(self, method: str, values: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": values}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._message()).get("id") != self._last:
            pass
        if "error" in answer:
            raise RuntimeError(f"chromium: {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._pending:
            part = self._answers.read1(1 << 20)  # type: ignore[attr-defined]
            if not part:
                raise RuntimeError("chromium ended")
            self._pending += part
        message, _, self._pending = self._pending.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded
