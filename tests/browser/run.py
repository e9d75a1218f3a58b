#!/usr/bin/env python3
"""The web page in a real, headless Chromium: `make browser`.

usage: run.py MAINSTAY [--shots DIR] [CASE...]

Starts its own daemon on a free port of the loopback interface and, beside it, another site that attacks it. Each case
is a function below; a failed one shows what it saw. Needs Debian's chromium and chromium-driver, and selenium.
"""

import argparse
import http.server
import pathlib
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from world import EVIL, EVIL_NAME, Attacker, Browser, Daemon, wait_for


# What the cases use: the daemon, the browser, one without scripts, the attacker's port, where screenshots go.
class World:
    pass


def the_page_loads_without_a_complaint(w):
    for path in ["/", "/?message=Hello", "/tail.html?processname=web", "/tail.html?processname=nosuch"]:
        w.browser.open(w.daemon.url + path)
        assert w.browser.complaints() == [], path
    w.browser.open(w.daemon.url)
    heads = [th.text for th in w.browser.all("thead th")]
    assert heads == ["Name", "State", "Description", "Action", "Tail -f"], heads
    assert "running" in w.browser.row("web").text


def nothing_hostile_runs(w):
    for path in ["/?message=" + urllib.parse.quote(EVIL), "/tail.html?processname=web",
                 "/tail.html?processname=" + urllib.parse.quote(EVIL_NAME)]:
        w.browser.open(w.daemon.url + path)
        assert w.browser.driver.title.startswith("Supervisor "), w.browser.driver.title
        for css in ["script", "img", "b"]:
            assert w.browser.all(css) == [], f"{path}: {css}"
        assert w.browser.complaints() == [], path
    w.browser.open(w.daemon.url + "/tail.html?processname=web")
    want = "first </pre> " + EVIL + "\nlast line"
    assert w.browser.text("pre") == want, w.browser.text("pre")
    w.browser.open(w.daemon.url)
    assert w.browser.text("h1") == "<b>shop</b>"
    assert "/nonexistent/<script>alert(1)</script>" in w.browser.row("broken").text
    w.browser.press(EVIL_NAME, "Stop")
    assert w.browser.message() == f"Process {EVIL_NAME} stopped", w.browser.message()
    w.browser.go(w.browser.row(EVIL_NAME).find_element(By.CSS_SELECTOR, "th a"))
    assert w.browser.text("h1") == EVIL_NAME


def press_all(w, browser):
    browser.open(w.daemon.url)
    pid = w.daemon.info("web")["pid"]
    browser.press("web", "Restart")
    assert browser.message() == "Process web restarted", browser.message()
    assert w.daemon.info("web")["pid"] not in (0, pid)
    browser.press("web", "Stop")
    assert browser.message() == "Process web stopped", browser.message()
    assert w.daemon.state("web") == "STOPPED" and "stopped" in browser.row("web").text
    browser.press("web", "Start")
    assert browser.message() == "Process web started", browser.message()
    assert w.daemon.state("web") == "RUNNING"
    browser.press("worker:worker_00", "Clear Log")
    assert browser.message() == "Log for worker:worker_00 cleared", browser.message()
    browser.press("broken", "Start")
    assert browser.message() == "ERROR: Process broken: no such file", browser.message()
    for button, words in [("Refresh", "Page refreshed at "), ("Stop All", "All stopped at "),
                          ("Restart All", "All restarted at ")]:
        browser.go(next(b for b in browser.all("header button") if b.text == button))
        assert browser.message().startswith(words), browser.message()
    assert w.daemon.state("nightly") == "RUNNING"
    assert browser.complaints() == []


def buttons_act(w):
    press_all(w, w.browser)


def everything_works_without_scripts(w):
    press_all(w, w.plain)
    w.plain.go(w.plain.row("worker:worker_01").find_element(By.CSS_SELECTOR, "th a"))
    assert "up" in w.plain.text("pre")


def logs_are_shown(w):
    b = w.browser.open(w.daemon.url)
    b.go(b.row("worker:worker_01").find_element(By.CSS_SELECTOR, "th a"))
    assert b.text("h1") == "worker:worker_01" and b.text("pre").startswith("up"), b.text()
    b.go(next(a for a in b.all("nav a") if a.text == "stderr"))
    assert b.text("pre").startswith("oops"), b.text("pre")
    b.go(next(a for a in b.all(".sizes a") if a.text == "16 KB"))
    assert b.text("[aria-current=true]") == "16 KB" and b.text("pre").startswith("oops")
    b.go(next(a for a in b.all(".all a") if a.text == "Refresh"))
    assert b.text("[aria-current=true]") == "16 KB" and b.text("pre").startswith("oops")
    b.go(next(x for x in b.all(".all button") if x.text == "Clear Log"))
    assert b.message() == "Log for worker:worker_01 cleared", b.message()


def links_from_the_address_bar_act(w):
    b = w.browser.open(w.daemon.url + "/?action=stop&processname=web")
    assert b.message() == "Process web stopped", b.text()
    b.open(w.daemon.url + "/index.html?action=start&processname=web:web")
    assert b.message() == "Process web:web started", b.text()
    # Over plain HTTP under another name than localhost a browser does not say that it was the address bar.
    b.open(f"http://box.local:{w.daemon.port}/?action=stop&processname=web")
    assert "Do you want this?" in b.text() and w.daemon.state("web") == "RUNNING", b.text()
    b.go(b.all("button")[0])
    assert b.message() == "Process web stopped" and w.daemon.state("web") == "STOPPED", b.text()
    b.press("web", "Start")
    assert b.message() == "Process web started", b.text()
    assert b.complaints() == []


def other_sites_cannot_act(w):
    for site in ["localhost", "127.0.0.1", "evil.example"]:
        for target in [w.daemon.url, f"http://box.local:{w.daemon.port}"]:
            stop = target + "/?action=stop&processname=web"
            form = f"<form method=post action='{target}/'><input name=action value=stop>"
            form += "<input name=processname value=web><button>go</button></form>"
            Attacker.pages = {
                "/link": f"<a href='{stop}'>go</a>",
                "/quiet": f"<a rel=noreferrer href='{stop}'>go</a>",
                "/form": form,
                "/quietform": "<meta name=referrer content=no-referrer>" + form,
                "/image": f"<img src='{stop}'><script>new Image().src='{stop}'</script>",
                "/frame": f"<iframe src='{stop}'></iframe>",
                "/fetch": f"<script>for (const method of ['GET', 'POST']) fetch('{stop}', {{ method, mode: 'no-cors', "
                          "credentials: 'include', body: method == 'GET' ? undefined : 'action=stop' })"
                          ".finally(() => document.title += method)</script>",
                "/prefetch": f"<link rel=prefetch href='{stop}'>",
            }
            here = f"http://{site}:{w.attacker}"
            pid = w.daemon.info("web")["pid"]
            for path in ["/link", "/quiet", "/form", "/quietform"]:
                b = w.browser.open(here + path)
                b.go(b.all("a, button")[0])
                text = b.text()
                assert "Nothing was done" in text or "Do you want this?" in text, f"{here}{path} {target}: {text}"
            for path in ["/image", "/frame", "/prefetch"]:
                w.browser.open(here + path)
            w.browser.open(here + "/fetch")
            wait_for("both were sent", lambda: len(w.browser.driver.title) == len("GETPOST"))
            info = w.daemon.info("web")
            assert (info["statename"], info["pid"]) == ("RUNNING", pid), f"{here} stopped it at {target}"
    w.browser.complaints()


def a_page_that_was_rebound_cannot_act(w):
    b = w.browser.open(f"http://shop.example:{w.daemon.port}/")
    b.press("web", "Stop")
    assert "asks for no password" in b.text(), b.text()
    assert w.daemon.state("web") == "RUNNING"
    b.complaints()


def nobody_can_frame_it(w):
    Attacker.pages = {"/": f"<iframe src='{w.daemon.url}/'></iframe>"}
    b = w.browser.open(f"http://localhost:{w.attacker}/")
    assert any("frame-ancestors" in text for text in b.complaints())


# Every text against what is behind it: WCAG 2, AA.
CONTRAST = """
const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
const light = c => { const [r, g, b] = parse(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
const back = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (parse(c)[3] !== 0) return c; } return 'rgb(255, 255, 255)'; };
return [...document.querySelectorAll('body, body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .map(e => { const [a, b] = [light(getComputedStyle(e).color), light(back(e))];
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 80)]; });
"""


def it_can_be_read_on_every_screen(w):
    pages = {"status": "/?message=Process%20web%20restarted", "error": "/?message=ERROR%3A%20Process%20web%3A%20spawn%20error",
             "tail": "/tail.html?processname=web", "notice": "/?action=nosuch&processname=web"}
    for width, height in [(1200, 700), (390, 844), (320, 640)]:
        for dark in [False, True]:
            w.browser.screen(width, height, dark)
            for name, path in pages.items():
                b = w.browser.open(w.daemon.url + path)
                if w.shots:
                    kind = "dark" if dark else "light"
                    b.driver.save_screenshot(str(w.shots / f"{name}-{width}-{kind}.png"))
                over = b.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
                assert over <= 0, f"{name} at {width}: {over} dots too wide"
                ratios = b.driver.execute_script(CONTRAST)
                poor = [(round(ratio, 2), what) for ratio, what in ratios if ratio < 4.5]
                assert len(ratios) > 2 and poor == [], f"{name}, dark={dark}: {poor}"
    w.browser.screen(1200, 700, False)
    w.browser.complaints()


def the_keyboard_is_enough(w):
    b = w.browser.open(w.daemon.url)
    seen = []
    for _ in range(40):
        b.driver.switch_to.active_element.send_keys(Keys.TAB)
        focus = b.driver.switch_to.active_element
        if focus.tag_name == "body":
            break
        outline = focus.value_of_css_property("outline-style")
        assert outline == "solid", f"{focus.text}: {outline}"
        seen.append(focus.text)
        if focus.text == "Clear Log":
            break
    assert seen[:3] == ["Refresh", "Restart All", "Stop All"] and seen[-1] == "Clear Log", seen
    b.driver.switch_to.active_element.send_keys(Keys.ENTER)
    wait_for("the action", lambda: b.all(".message"))
    assert b.message().startswith("Log for "), b.message()


CASES = [the_page_loads_without_a_complaint, nothing_hostile_runs, buttons_act, everything_works_without_scripts,
         logs_are_shown, links_from_the_address_bar_act, other_sites_cannot_act, a_page_that_was_rebound_cannot_act,
         nobody_can_frame_it, it_can_be_read_on_every_screen, the_keyboard_is_enough]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mainstay")
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    chosen = [c for c in CASES if not args.cases or c.__name__ in args.cases]
    assert chosen, "no such case"
    w = World()
    w.shots = args.shots
    if w.shots:
        w.shots.mkdir(parents=True, exist_ok=True)
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Attacker)
    w.attacker = site.server_port
    threading.Thread(target=site.serve_forever, daemon=True).start()
    failed = []
    w.daemon = Daemon(args.mainstay)
    browsers = []
    # What browsers leave behind goes with it.
    tmp = tempfile.TemporaryDirectory(prefix="mainstay-browser-", ignore_cleanup_errors=True)
    try:
        w.daemon.ready()
        for scripts in [True, False]:
            browsers.append(Browser(tmp.name, scripts))
        w.browser, w.plain = browsers
        for case in chosen:
            begin = time.monotonic()
            try:
                case(w)
                print(f"ok {case.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
            except Exception:
                failed.append(case.__name__)
                print(f"FAILED {case.__name__}\n{traceback.format_exc()}", flush=True)
    finally:
        for browser in browsers:
            browser.driver.quit()
        site.shutdown()
        w.daemon.end()
        tmp.cleanup()
    print(f"{len(chosen) - len(failed)} of {len(chosen)} cases passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
