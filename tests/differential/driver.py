"""The real parser's answer for one configuration after another: Supervisor's own ServerOptions in a process that lives on.

Reads the path of a main file from each line of its input, writes one line of JSON for each. The answer has the shape of
`mainstay check --print json`, so that the two can be compared field by field. Nothing of the parser is replaced but the
way it ends the process, and a fence in front of files that would make it build processes without end.
Not here: what counts as the same (compare.rs), the files (generate.rs).
"""
import json
import os
import resource
import shlex
import socket
import sys

ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
os.dup2(2, 1)
# A width of some thousand million in an expansion is to fail, not to eat the machine.
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

from supervisor import datatypes, events, loggers, options  # noqa: E402

BIGGEST = (1 << 63) - 1
LONGEST = 9 * 10**15
MOST_PROCESSES = 10_000


class Refused(Exception):
    """Where Supervisor would print `Error: ...` and exit."""


class TooMany(Exception):
    """More processes than we accept; Supervisor would go on until memory ends."""


def refuse(_self, message):
    raise Refused(str(message))


def fenced_range(first, end):
    if end - first > MOST_PROCESSES:
        raise TooMany
    return range(first, end)


options.Options.usage = refuse
options.range = fenced_range


def whole(number):
    return max(-BIGGEST - 1, min(BIGGEST, int(number)))


def seconds(number):
    return max(-LONGEST, min(LONGEST, int(number)))


def natural(number):
    """A negative size or count works like none."""
    return max(0, whole(number))


def count(number):
    return min(natural(number), (1 << 32) - 1)


def octal(mode):
    """The kernel looks at these bits alone."""
    return None if mode is None else "%03o" % (mode & 0o7777)


def target(value):
    if value is datatypes.Automatic:
        return "AUTO"
    return value or None


def argv(command):
    try:
        words = shlex.split(command)
    except ValueError as why:
        return None, "can't parse command %r: %s" % (command, why)
    return (words, None) if words else (None, "command is empty")


def process(config):
    words, why = argv(config.command)
    restart = {datatypes.RestartUnconditionally: "true", datatypes.RestartWhenExitUnexpected: "unexpected"}
    shown = {
        "name": config.name,
        "command": config.command,
        "argv": words,
        "argv_error": why,
        "directory": config.directory,
        "environment": config.environment,
        "uid": config.uid,
        "umask": octal(config.umask),
        "priority": whole(config.priority),
        "autostart": config.autostart,
        "autorestart": restart.get(config.autorestart, "false"),
        "exitcodes": config.exitcodes,
        "startsecs": seconds(config.startsecs),
        "startretries": whole(config.startretries),
        "stopsignal": int(config.stopsignal),
        "stopwaitsecs": seconds(config.stopwaitsecs),
        "stopasgroup": config.stopasgroup,
        "killasgroup": config.killasgroup,
        "redirect_stderr": config.redirect_stderr,
        "serverurl": config.serverurl,
    }
    for stream in ("stdout", "stderr"):
        value = {key: getattr(config, "%s_%s" % (stream, key)) for key in
                 ("logfile", "logfile_maxbytes", "logfile_backups", "capture_maxbytes", "events_enabled", "syslog")}
        value["logfile"] = target(value["logfile"])
        value["logfile_maxbytes"] = natural(value["logfile_maxbytes"])
        value["logfile_backups"] = count(value["logfile_backups"])
        value["capture_maxbytes"] = natural(value["capture_maxbytes"])
        shown.update({"%s_%s" % (stream, key): what for key, what in value.items()})
    return shown


def group(config):
    # As when the group is built: of two processes with one name the later one is there.
    processes = {}
    for one in config.process_configs:
        processes[one.name] = process(one)
    shown = {"name": config.name, "priority": whole(config.priority), "processes": list(processes.values())}
    if isinstance(config, options.EventListenerPoolConfig):
        handler = config.result_handler
        shown.update(
            type="eventlistener",
            buffer_size=whole(config.buffer_size),
            events=sorted(events.getEventNameByType(event) for event in config.pool_events),
            result_handler="%s:%s" % (handler.__module__, getattr(handler, "__name__", "?")),
        )
    elif isinstance(config, options.FastCGIGroupConfig):
        sock = config.socket_config
        fields = {"url": sock.url, "backlog": sock.backlog}
        if sock.url.startswith("unix:"):
            fields.update(mode=octal(sock.mode), owner=sock.owner)
        shown.update({"type": "fcgi-program", "socket": fields})
    else:
        shown["type"] = "program"
    return shown


def server(config):
    shown = {key: config[key] for key in ("section", "name", "username", "password")}
    if config["family"] == socket.AF_INET:
        shown.update(family="inet", host=config["host"], port=config["port"])
    else:
        shown.update(family="unix", file=config["file"], chmod=octal(config["chmod"]), chown=config["chown"])
    return shown


def supervisord(found):
    root = found.configroot.supervisord
    # What `realize` has made of it; the section keeps what the file says.
    return {
        "logfile_normalized": "syslog" if root.logfile == "syslog" else found.logfile,
        "logfile_maxbytes": natural(root.logfile_maxbytes),
        "logfile_backups": count(root.logfile_backups),
        "loglevel": LEVELS[root.loglevel],
        "pidfile_normalized": found.pidfile,
        "umask": octal(root.umask),
        "nodaemon": root.nodaemon,
        "silent": root.silent,
        "minfds": whole(root.minfds),
        "minprocs": whole(root.minprocs),
        "nocleanup": root.nocleanup,
        "childlogdir": root.childlogdir,
        "user": root.user,
        "directory": root.directory,
        "strip_ansi": root.strip_ansi,
        "environment": root.environment,
        "identifier": root.identifier,
        "serverurl": found.serverurl,
    }


LEVELS = {
    loggers.getLevelNumByDescription(name): name
    for name in ("critical", "error", "warn", "info", "debug", "trace", "blather")
}


def answer(path):
    found = options.ServerOptions()
    try:
        found.realize(["-c", path], doc="", progname="supervisord")
    except Refused as why:
        return {"ok": False, "error": str(why)}
    except TooMany:
        return {"ok": False, "error": "too many processes"}
    except Exception as why:  # the daemon would end with a traceback
        return {"ok": False, "error": str(why), "exception": type(why).__name__}
    # Of several groups with one name the first exists.
    groups = {}
    for one in found.process_group_configs:
        groups.setdefault(one.name, one)
    return {
        "ok": True,
        "supervisord": supervisord(found),
        "http_servers": [server(one) for one in found.configroot.supervisord.server_configs],
        "groups": [group(one) for one in groups.values()],
        "criticals": found.parse_criticals,
        "warnings": found.parse_warnings,
        "infos": found.parse_infos,
    }


for line in sys.stdin:
    ANSWERS.write(json.dumps(answer(line.rstrip("\n"))) + "\n")
    ANSWERS.flush()
