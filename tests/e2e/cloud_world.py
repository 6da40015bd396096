# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What cloud.py serves: a project of Google Cloud, as the files of its folder describe it."""
import base64
import copy
import ipaddress
import itertools
import json
import re
import threading
import time

AUTH = "https://www.googleapis.com/auth/"
COMPUTE = "https://www.googleapis.com/compute/v1/"
COMPUTE_SCOPES = {AUTH + "compute.readonly", AUTH + "compute", AUTH + "cloud-platform"}
REGIONS = ("europe-west9", "us-central1", "us-east1")

WORLD = {
    "project_id": "my-app",
    "project_number": "101",
    "zone": "us-central1-a",
    "nics": [{"accessConfigs": [], "dnsServers": ["169.254.169.254"], "forwardedIps": ["198.51.100.7"],
              "gateway": "10.10.0.1", "ip": "10.10.0.70", "ipAliases": ["10.24.3.0/24"],
              "mac": "42:01:0a:0a:00:46", "mtu": 1460, "network": "projects/101/networks/prod",
              "subnetmask": "255.255.240.0", "targetInstanceIps": []}],
    "service_account": {"scopes": [AUTH + "cloud-platform"], "expires_in": 3599},
    "projects": {"101": {"id": "my-app", "may_list": True, "subnetworks": [
        {"name": "nodes", "network": "prod", "region": "us-central1", "ipCidrRange": "10.10.0.0/20",
         "purpose": "PRIVATE", "stackType": "IPV4_IPV6", "ipv6AccessType": "INTERNAL",
         "internalIpv6Prefix": "fd20:1:2:3::/64", "ipv6CidrRange": "fd20:1:2:3:0:0:0:0/64",
         "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.24.0.0/14"}]},
        {"name": "proxy", "network": "prod", "region": "us-central1", "ipCidrRange": "10.129.0.0/23",
         "purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE", "state": "READY"},
        {"name": "other", "network": "default", "region": "us-east1", "ipCidrRange": "10.142.0.0/20",
         "purpose": "PRIVATE"}]}},
    "page_size": 500,
    "published": {
        "goog": {"syncToken": "1790733903731", "creationTime": "2026-09-29T19:05:03.731656",
                 "prefixes": [{"ipv4Prefix": "8.8.8.0/24"}, {"ipv4Prefix": "34.0.0.0/15"},
                              {"ipv6Prefix": "2001:4860::/32"}]},
        "cloud": {"syncToken": "1790733903731", "creationTime": "2026-09-29T19:05:03.731656",
                  "prefixes": [{"ipv4Prefix": "34.1.208.0/20", "service": "Google Cloud",
                                "scope": "africa-south1"},
                               {"ipv6Prefix": "2600:1900:8000::/44", "service": "Google Cloud",
                                "scope": "africa-south1"}]}},
    "files": {"/lists/office.txt": "# the office\n192.0.2.0/24\n2001:db8:1::/48  # and its IPv6\n"},
}


class Failure(Exception):
    """An error answer of Google's APIs."""

    def __init__(self, status, message, reason=None, kind="forbidden"):
        super().__init__(message)
        error = {"code": status, "message": message,
                 "errors": [{"message": message, "domain": "global", "reason": kind}]}
        if reason:
            error["status"] = "PERMISSION_DENIED"
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                                 "reason": reason, "domain": "googleapis.com"}]
        self.status, self.document = status, {"error": error}


class WatchedFile:
    """A JSON document that is read again whenever the file is another one."""

    def __init__(self, path, default):
        self.path, self.default, self.seen, self.document = path, default, None, default

    def read(self):
        try:
            stat = self.path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen != self.seen:
                self.document, self.seen = json.loads(self.path.read_text()), seen
        except FileNotFoundError:
            self.document, self.seen = self.default, None
        return self.document


class Cloud:
    """The world, who may see what of it, and how its servers misbehave."""

    def __init__(self, folder, data):
        self.folder, self.data = folder, data
        self.lock = threading.RLock()
        self.world_file = WatchedFile(folder / "world.json", {})
        self.control_file = WatchedFile(folder / "control.json", {})
        self.counts, self.counts_of = {}, None
        self.tokens = {}
        self.numbers = itertools.count(1)
        self.log_file = (folder / "log.jsonl").open("a", buffering=1)

    def fill_in(self, value):
        if isinstance(value, str) and value.startswith("@"):
            return json.loads((self.data / value[1:]).read_text())
        if isinstance(value, list):
            return [self.fill_in(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill_in(item) for key, item in value.items()}
        return value

    def world(self):
        with self.lock:
            return WORLD | self.fill_in(copy.deepcopy(self.world_file.read()))

    def action(self, path):
        """What control.json says about this request, or {}."""
        with self.lock:
            control = self.control_file.read()
            if self.counts_of != self.control_file.seen:
                self.counts, self.counts_of = {}, self.control_file.seen
            for regex, action in control.items():
                action = {"do": action} if isinstance(action, str) else action
                if not re.search(regex, path) or self.counts.get(regex, 0) >= action.get("times", 1e9):
                    continue
                self.counts[regex] = self.counts.get(regex, 0) + 1
                return action
        return {}

    def log(self, **entry):
        with self.lock:
            self.log_file.write(json.dumps(entry) + "\n")

    def new_token(self, account):
        with self.lock:
            token = f"ya29.test-{next(self.numbers)}"
            self.tokens[token] = [time.monotonic() + account["expires_in"], account.get("uses", 1e9)]
        return {"access_token": token, "expires_in": account["expires_in"], "token_type": "Bearer"}

    def authorize(self, world, header, scopes):
        with self.lock:
            life = self.tokens.get(header.removeprefix("Bearer "), [0, 0])
            life[1] -= 1
            if time.monotonic() >= life[0] or life[1] < 0:
                raise Failure(401, "Request had invalid authentication credentials.", kind="authError")
        if not scopes & set((world["service_account"] or {}).get("scopes", ())):
            raise Failure(403, "Request had insufficient authentication scopes.",
                          "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions")

    # Metadata

    def metadata(self, world, path):
        """The document or text at a path of the metadata server, or None."""
        if path == "instance/network-interfaces/":
            return json.dumps(world["nics"])
        if path == "instance/zone":
            return f"projects/{world['project_number']}/zones/{world['zone']}"
        if path == "project/project-id":
            return world["project_id"]
        if path == "project/numeric-project-id":
            return str(world["project_number"])
        if path == "instance/service-accounts/default/token" and world["service_account"]:
            return json.dumps(self.new_token(world["service_account"]))
        return None

    # Compute API

    def project(self, world, name):
        for number, project in world["projects"].items():
            if name in (number, project.get("id")):
                return number, project
        raise Failure(404, f"The resource 'projects/{name}' was not found", kind="notFound")

    def subnetworks(self, number, project):
        for subnet in project.get("subnetworks", ()):
            network = f"{COMPUTE}projects/{number}/global/networks/{subnet['network']}"
            region = f"{COMPUTE}projects/{number}/regions/{subnet['region']}"
            base = {"kind": "compute#subnetwork", "network": network, "region": region}
            if "generate" in subnet:
                first = int(ipaddress.ip_address("10.64.0.0"))
                for i in range(subnet["generate"]):
                    yield base | {"name": f"subnet-{i}", "purpose": "PRIVATE",
                                  "ipCidrRange": f"{ipaddress.ip_address(first + 16 * i)}/28"}
            else:
                full = "/" in subnet["network"]
                yield subnet | ({} if full else base)

    def page(self, world, items, query):
        """One page of the items, and the members that belong to it."""
        size = min(int(query.get("maxResults", 500)), world["page_size"])
        start = 0
        if "pageToken" in query:
            match = re.fullmatch(r"\?>=(\d+)", base64.b64decode(query["pageToken"]).decode())
            start = int(match.group(1))
        left = len(items) > start + size
        token = base64.b64encode(f"?>={start + size}".encode()).decode()
        return items[start:start + size], {"nextPageToken": token} if left else {}

    def aggregated_subnetworks(self, world, number, project, query):
        if not project.get("may_list"):
            raise Failure(403, f"Required 'compute.subnetworks.list' permission for 'projects/{number}'")
        down = project.get("unreachable", [])
        if down and query.get("returnPartialSuccess") != "true":
            raise Failure(503, "A region is unavailable", kind="backendError")
        match = re.fullmatch(r'network eq "(.*)"', query.get("filter", 'network eq ".*"'))
        items = [subnet for subnet in self.subnetworks(number, project)
                 if re.fullmatch(match.group(1), subnet["network"])
                 and subnet["region"].rsplit("/", 1)[1] not in down]
        items, more = self.page(world, items, query)
        scopes = {}
        for region in sorted({*REGIONS, *down, *(item["region"].rsplit("/", 1)[1] for item in items)}):
            name = f"regions/{region}"
            here = [item for item in items if item["region"].endswith("/" + name)]
            code = "UNREACHABLE" if region in down else "NO_RESULTS_ON_PAGE"
            scopes[name] = {"subnetworks": here} if here else {"warning": {
                "code": code, "message": f"There are no results for scope '{name}' on this page.",
                "data": [{"key": "scope", "value": name}]}}
        if down:
            more["unreachables"] = [f"regions/{region}" for region in down]
        return {"kind": "compute#subnetworkAggregatedList", "items": scopes} | more

    def usable_subnetworks(self, world, number, project, query):
        usable = project.get("usable")
        if usable is None:
            raise Failure(403, f"Required 'compute.subnetworks.list' permission for 'projects/{number}'")
        fields = ("network", "ipCidrRange", "secondaryIpRanges", "purpose", "role", "stackType",
                  "ipv6AccessType", "internalIpv6Prefix", "externalIpv6Prefix")
        items = [{key: subnet[key] for key in fields if key in subnet}
                 | {"subnetwork": f"{subnet['region']}/subnetworks/{subnet['name']}"}
                 for subnet in self.subnetworks(number, project) if subnet["name"] in usable]
        items, more = self.page(world, items, query)
        return {"kind": "compute#usableSubnetworksAggregatedList", "items": items} | more

    def network(self, number, project, name, query, routes):
        peerings = project.get("networks", {}).get(name)
        if peerings is None:
            raise Failure(404, f"The resource 'projects/{number}/global/networks/{name}' was not found",
                          kind="notFound")
        if not routes:
            return {"kind": "compute#network", "name": name, "peerings": [
                {key: value for key, value in peering.items() if key != "routes"}
                for peering in peerings]}
        if query["direction"] != "INCOMING" or "/" in query["region"]:
            raise Failure(400, "Invalid value", kind="invalid")
        found, = (peering for peering in peerings if peering["name"] == query["peeringName"])
        return {"kind": "compute#exchangedPeeringRoutesList", "items": found.get("routes", [])}

    def api(self, world, path, query, authorization):
        """The document at a path of one of the APIs, or None."""
        compute = re.fullmatch(r"/compute/v1/projects/([^/]+)/(.*)", path)
        access = re.fullmatch(r"/v1/projects/([^/]+)/locations/-/connectors", path)
        if access:
            self.authorize(world, authorization, {AUTH + "cloud-platform"})
            _, project = self.project(world, access.group(1))
            items, more = self.page(world, project.get("connectors", []), query)
            return {"connectors": items} | more
        if not compute:
            return None
        self.authorize(world, authorization, COMPUTE_SCOPES)
        number, project = self.project(world, compute.group(1))
        if compute.group(2) == "aggregated/subnetworks":
            return self.aggregated_subnetworks(world, number, project, query)
        if compute.group(2) == "aggregated/subnetworks/listUsable":
            return self.usable_subnetworks(world, number, project, query)
        network = re.fullmatch(r"global/networks/([^/]+)(/listPeeringRoutes)?", compute.group(2))
        if network:
            document = self.network(number, project, network.group(1), query, network.group(2))
            if network.group(2):
                document["items"], more = self.page(world, document["items"], query)
                document |= more
            return document
        return None

    def public(self, world, path):
        """The text of a file that anybody may read, or None."""
        match = re.fullmatch(r"/ipranges/(\w+)\.json", path)
        if match and match.group(1) in world["published"]:
            return json.dumps(world["published"][match.group(1)])
        return world["files"].get(path)
