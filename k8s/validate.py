#!/usr/bin/env python3
"""Checks the manifests of this folder, offline: `make k8s-check`.

1. Against the schemas of Kubernetes, strictly (kubernetes-validate carries them). PodMonitor is not Kubernetes' own:
   of that, the fields in use are checked by hand.
2. Against each other: ports, labels, volumes and ConfigMaps that are named exist; probes ask for pages that are served.
3. Against the "restricted" Pod Security Standard.
4. The ConfigMap's TOML, with `dist/mainstay check`, when that is built.
"""
import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).resolve().parent
BINARY = HERE.parent / "dist" / "mainstay"
PAGES = {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
VERSIONS = ["1.29", "1.33"]
problems = []


def need(ok, text):
    if not ok:
        problems.append(text)


def schema(name, doc):
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


def references(name, deployment, configs):
    template = deployment["spec"]["template"]
    pod, labels = template["spec"], template["metadata"]["labels"]
    need(deployment["spec"]["selector"]["matchLabels"].items() <= labels.items(), f"{name}: selector misses its pods")
    volumes = {v["name"]: v for v in pod["volumes"]}
    for volume in volumes.values():
        if "configMap" in volume:
            need(volume["configMap"]["name"] in configs, f"{name}: no ConfigMap {volume['configMap']['name']}")
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
    configs = {d["metadata"]["name"] for _, d in docs if d["kind"] == "ConfigMap"}
    labels, ports = {}, set()
    for name, doc in docs:
        if doc["kind"] == "Deployment":
            labels, ports = references(name, doc, configs)
            restricted(name, doc["spec"]["template"]["spec"])
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
