"""What the cases of run.py use: our daemon, a browser, and another site that attacks."""

import http.server
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import xmlrpc.client

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

CHROMIUM = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
LIMIT = 10
EVIL = "<script>document.title='hacked'</script><img src=x onerror=document.title='hacked'>"
# No blank, colon or slash may stand in the name of a program.
EVIL_NAME = "<script>document.title='hacked'"

CONFIG = """
[inet_http_server]
port=127.0.0.1:{port}
[supervisord]
nodaemon=true
silent=true
logfile={dir}/main.log
pidfile={dir}/d.pid
childlogdir={dir}
identifier=<b>shop</b>
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:web]
command=sh -c 'cat {dir}/evil; exec sleep 1000'
startsecs=0
[program:worker]
command=sh -c 'echo up; echo oops >&2; exec sleep 1000'
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
[program:migrate]
command=true
startsecs=0
autorestart=false
[program:nightly]
command=sleep 1000
startsecs=0
autostart=false
[program:broken]
command=/nonexistent/<script>alert(1)</script>
startretries=0
[program:{name}]
command=sleep 1000
startsecs=0
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {LIMIT} s: {what}")


class Daemon:
    """Ours, with programs that are called and say the worst."""

    def __init__(self, mainstay):
        self.dir = tempfile.TemporaryDirectory(prefix="mainstay-browser-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = pathlib.Path(self.dir.name)
        (path / "evil").write_text("first </pre> " + EVIL + "\nlast line\n")
        (path / "c.conf").write_text(CONFIG.format(port=self.port, dir=path, name=EVIL_NAME))
        self.process = subprocess.Popen([mainstay, "run", "-c", str(path / "c.conf")])
        self.rpc = xmlrpc.client.ServerProxy(self.url + "/RPC2").supervisor

    def ready(self):
        def up():
            assert self.process.poll() is None, "the daemon has ended"
            try:
                return self.state("web") == "RUNNING" and self.state("broken") == "FATAL"
            except OSError:
                return False

        wait_for("the daemon is up", up)

    def info(self, name):
        return self.rpc.getProcessInfo(name)

    def state(self, name):
        return self.info(name)["statename"]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT)
        self.dir.cleanup()
        assert code == 0, f"the daemon ended with {code}"


class Attacker(http.server.BaseHTTPRequestHandler):
    """Another site. `pages` is what it serves."""

    pages = {}

    def do_GET(self):
        body = self.pages.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Browser:
    def __init__(self, tmp, scripts):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        # Names of the outside world lead to ourselves; nothing leaves this machine.
        for word in [
            "--headless=new",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LocalNetworkAccessChecks",
            "--host-resolver-rules=MAP *.example 127.0.0.1, MAP box.local 127.0.0.1",
        ] + (["--no-sandbox"] if os.geteuid() == 0 else []):
            options.add_argument(word)
        if not scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER, env={**os.environ, "TMPDIR": tmp}))
        self.driver.set_page_load_timeout(LIMIT)

    def open(self, url):
        self.driver.get(url)
        return self

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css="body"):
        return self.driver.find_element(By.CSS_SELECTOR, css).text

    def row(self, name):
        rows = [row for row in self.all("tbody tr") if row.find_element(By.CSS_SELECTOR, "th").text == name]
        assert len(rows) == 1, f"{len(rows)} rows of {name}"
        return rows[0]

    def press(self, name, button):
        row = self.row(name)
        found = [b for b in row.find_elements(By.CSS_SELECTOR, "button") if b.text == button]
        assert len(found) == 1, f"{name} has no {button}: {row.text}"
        self.go(found[0])

    def go(self, element):
        """Clicks, and waits for the page that comes of it."""
        before = self.driver.find_element(By.TAG_NAME, "html").id
        element.click()

        def other():
            try:
                return self.driver.find_element(By.TAG_NAME, "html").id != before
            except WebDriverException:
                # Between two pages there is none.
                return False

        wait_for("another page", other)

    def message(self):
        return self.text(".message")

    def screen(self, width, height, dark):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
