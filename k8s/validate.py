#!/usr/bin/env python3
"""Checks the manifests of this folder, offline: `make k8s-check`.

1. Against the schemas of Kubernetes, strictly (kubernetes-validate carries them). PodMonitor and PrometheusRule are not
   Kubernetes' own: of those, the fields in use are checked by hand.
2. Against each other: ports, labels, volumes, Secrets and ConfigMaps that are named exist; probes ask for pages that are
   served; files of secrets are mounted; times fit into one another.
3. Against the "restricted" Pod Security Standard.
4. The ConfigMap's TOML, with `dist/mainstay check`, when that is built.
5. Alerts name metrics that docs/metrics.md has.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).resolve().parent
BINARY = HERE.parent / "dist" / "mainstay"
PAGES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
DRAIN = ["/mainstay", "ctl", "drain", "--wait"]
METRICS = HERE.parent / "docs" / "metrics.md"
VERSIONS = ["1.29", "1.33"]
problems = []


def need(ok, text):
    if not ok:
        problems.append(text)


def schema(name, doc):
    if doc["kind"] == "PrometheusRule":
        need(doc["apiVersion"] == "monitoring.coreos.com/v1", f"{name}: wrong apiVersion of PrometheusRule")
        need(set(doc["spec"]) == {"groups"}, f"{name}: unknown field")
        return
    if doc["kind"] == "PodMonitor":
        need(doc["apiVersion"] == "monitoring.coreos.com/v1", f"{name}: wrong apiVersion of PodMonitor")
        need(set(doc["spec"]) <= {"selector", "podMetricsEndpoints", "namespaceSelector"}, f"{name}: unknown field")
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(doc, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.append(f"{name}: Kubernetes {version}: {error.message}")


def restricted(name, pod):
    ctx = pod["securityContext"]
    need(ctx.get("runAsNonRoot") is True, f"{name}: runs as root")
    need(ctx.get("seccompProfile", {}).get("type") == "RuntimeDefault", f"{name}: no seccomp profile")
    for c in pod["containers"]:
        own = c["securityContext"]
        need(own.get("allowPrivilegeEscalation") is False, f"{name}: {c['name']} may escalate")
        need(own.get("capabilities", {}).get("drop") == ["ALL"], f"{name}: {c['name']} keeps capabilities")
        need(own.get("readOnlyRootFilesystem") is True, f"{name}: {c['name']} can write its root")


def references(name, deployment, configs, secrets):
    template = deployment["spec"]["template"]
    pod, labels = template["spec"], template["metadata"]["labels"]
    need(deployment["spec"]["selector"]["matchLabels"].items() <= labels.items(), f"{name}: selector misses its pods")
    volumes = {v["name"]: v for v in pod["volumes"]}
    for volume in volumes.values():
        if "configMap" in volume:
            need(volume["configMap"]["name"] in configs, f"{name}: no ConfigMap {volume['configMap']['name']}")
        if "secret" in volume:
            need(volume["secret"]["secretName"] in secrets, f"{name}: no Secret {volume['secret']['secretName']}")
    ports = set()
    for c in pod["containers"]:
        mine = [p["name"] for p in c["ports"]]
        ports.update(mine)
        for mount in c["volumeMounts"]:
            need(mount["name"] in volumes, f"{name}: no volume {mount['name']}")
        for probe, page in PAGES.items():
            get = c.get(probe, {}).get("httpGet", {})
            need(get.get("path") == page and get.get("port") in mine, f"{name}: {probe} does not ask {page} of a port")
    return labels, ports


def secret_files(pod, container, secrets):
    """Every path at which a key of a Secret is mounted."""
    volumes = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
    for mount in container["volumeMounts"]:
        for key in secrets.get(volumes.get(mount["name"]), []):
            yield f"{mount['mountPath']}/{key}"


def program_files(name, pod, config, secrets):
    """What programs read variables from is there."""
    mounted = {path for c in pod["containers"] for path in secret_files(pod, c, secrets)}
    for program, settings in config.get("program", {}).items():
        for variable, path in settings.get("env_from_file", {}).items():
            need(path in mounted, f"{name}: {program}: nothing is mounted at {path} for {variable}")


def times(name, pod, config):
    """grace > preStop + shutdown_timeout, and shutdown_timeout > drain_delay: see docs/kubernetes.md."""
    whole = config["supervisor"]
    drain, timeout, grace = whole["drain_delay"], whole["shutdown_timeout"], pod["terminationGracePeriodSeconds"]
    need(drain < timeout, f"{name}: drain_delay {drain} leaves nothing of shutdown_timeout {timeout}")
    for c in pod["containers"]:
        hook = c.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
        need(hook == DRAIN, f"{name}: {c['name']}: preStop is {hook}")
        need(drain + timeout < grace, f"{name}: {drain} s of preStop and {timeout} s to stop, but {grace} s of grace")
        readiness = c["readinessProbe"]
        gone = readiness["periodSeconds"] * readiness["failureThreshold"]
        need(gone <= drain, f"{name}: {c['name']}: not ready is noticed after {gone} s, the drain takes {drain} s")
    for program, settings in config.get("program", {}).items():
        wait = settings.get("stopwaitsecs", 10)
        need(wait <= timeout - drain, f"{name}: {program}: stopwaitsecs {wait} does not fit into {timeout} - {drain}")


def alerts(name, doc):
    known = set(re.findall(r"`(mainstay_\w+)", METRICS.read_text()))
    names = []
    for group in doc["spec"]["groups"]:
        need(set(group) <= {"name", "rules", "interval"}, f"{name}: unknown field of a group")
        for rule in group["rules"]:
            names.append(rule["alert"])
            need(set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, f"{name}: {rule['alert']}: unknown field")
            need({"summary", "description"} <= set(rule["annotations"]), f"{name}: {rule['alert']}: says nothing")
            used = set(re.findall(r"mainstay_\w+", rule["expr"]))
            need(used, f"{name}: {rule['alert']}: asks nothing of ours")
            for metric in sorted(used - known):
                problems.append(f"{name}: {rule['alert']}: there is no metric {metric}")
            for counter in re.findall(r"(\w+)(?:\{[^}]*\})?\[", rule["expr"]):
                need(counter.endswith("_total"), f"{name}: {rule['alert']}: increase of {counter}, which is no counter")
    need(len(names) == len(set(names)), f"{name}: an alert twice")


def check_toml(name, config):
    for key, text in config["data"].items():
        if not BINARY.exists():
            print(f"skipped: {key} of {name} is not checked, there is no {BINARY.name} in dist (make build)")
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as f:
            f.write(text)
            f.flush()
            done = subprocess.run([BINARY, "check", "-c", f.name], capture_output=True, text=True)
            need(done.returncode == 0, f"{name}: {key}: {done.stdout}{done.stderr}")


def main():
    files = sorted(HERE.glob("*.yaml"))
    docs = [(f.name, doc) for f in files for doc in yaml.safe_load_all(f.read_text()) if doc]
    for name, doc in docs:
        schema(name, doc)
    if problems:
        return report(docs)  # the rest would stumble over what is not there
    configs = {d["metadata"]["name"]: d["data"] for _, d in docs if d["kind"] == "ConfigMap"}
    secrets = {d["metadata"]["name"]: d["stringData"] for _, d in docs if d["kind"] == "Secret"}
    labels, ports = {}, set()
    for name, doc in docs:
        if doc["kind"] == "Deployment":
            labels, ports = references(name, doc, configs, secrets)
            pod = doc["spec"]["template"]["spec"]
            restricted(name, pod)
            for volume in pod["volumes"]:
                for text in configs.get(volume.get("configMap", {}).get("name"), {}).values():
                    config = tomllib.loads(text)
                    times(name, pod, config)
                    program_files(name, pod, config, secrets)
        elif doc["kind"] == "PrometheusRule":
            alerts(name, doc)
        elif doc["kind"] == "ConfigMap":
            check_toml(name, doc)
    for name, doc in docs:
        if doc["kind"] == "Service":
            need(doc["spec"]["selector"].items() <= labels.items(), f"{name}: selector misses the pods")
            for port in doc["spec"]["ports"]:
                need(port["targetPort"] in ports, f"{name}: no port {port['targetPort']}")
        elif doc["kind"] == "PodMonitor":
            need(doc["spec"]["selector"]["matchLabels"].items() <= labels.items(), f"{name}: selector misses the pods")
            for end in doc["spec"]["podMetricsEndpoints"]:
                need(end["port"] in ports and end["path"] == "/metrics", f"{name}: no port {end['port']}")
    return report(docs)


def report(docs):
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"k8s: {len(docs)} documents, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
