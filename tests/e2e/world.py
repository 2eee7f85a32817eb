"""Two accounts as in production, on s3sim and RGW alike, and an independent reader of the vault."""
import datetime
import hashlib
import http.client
import json
import time
import urllib.parse
import uuid

import zstandard
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

EXTERNAL_ID = "pact-5d1f08c7"
NO_GUARD = {"changed": "100%", "deleted": "100%"}  # but for sources of which more than half is missing
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# what the vault's role needs on a source bucket and its objects
READ_BUCKET = ("s3:ListBucket", "s3:GetBucketLocation")
READ_OBJECTS = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging")
VAULT_ACTIONS = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketVersioning",
    "s3:GetLifecycleConfiguration", "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:PutObject",
    "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts")
SOURCE_ACTIONS = ("s3:ListAllMyBuckets", "s3:ListBucket", "s3:GetBucket*", "s3:GetLifecycleConfiguration",
    "s3:GetEncryptionConfiguration", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectAcl")
HEADERS = ("ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl", "ExpiresString",
    "WebsiteRedirectLocation", "Metadata", "ContentLength")


def document(*statements):
    # RGW does not decode "+" in a form's body, which is how boto3 sends a blank: there must be none
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def allow(actions, *resources, principal=None):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement | ({"Principal": {"AWS": principal}} if principal else {})


def raw(server, method, bucket, key, keys, body=b"", headers=None):
    """A request for a key whose path boto3's HTTP library would tidy up ("..", "//"): sent byte for byte."""
    target = f"/{bucket}/{urllib.parse.quote(key, safe='/~')}"
    request = AWSRequest(method, server.url + target, headers=headers or {}, data=body)
    S3SigV4Auth(Credentials(*keys), "s3", "us-east-1").add_auth(request)
    link = http.client.HTTPConnection(server.url.split("//")[1], timeout=20)
    link.putrequest(method, target, skip_accept_encoding=True)
    for name, value in {**dict(request.headers), "Content-Length": str(len(body))}.items():
        link.putheader(name, value)
    link.endheaders(body)
    answer = link.getresponse()
    text = answer.read()
    link.close()
    assert answer.status // 100 == 2, (method, key, answer.status, text)
    return text


def pages(client, operation, field, **arguments):
    return [entry for page in client.get_paginator(operation).paginate(**arguments) for entry in page.get(field, [])]


def listing(client, bucket, prefix=""):
    """{key: (etag, size)} of what is there now."""
    return {entry["Key"]: (entry["ETag"].strip('"'), entry["Size"])
        for entry in pages(client, "list_objects_v2", "Contents", Bucket=bucket, Prefix=prefix)}


def clients(server):
    """Of the source's owner and the vault's, made once a server: boto3 takes its time."""
    if not hasattr(server, "world_clients"):
        server.world_clients = server.client(*server.source_owner), server.client(*server.vault_owner)
    return server.world_clients


def moment(text):
    """An RFC 3339 time; as texts, whole seconds and fractions would not compare."""
    return datetime.datetime.fromisoformat(text)


class World:
    """Two accounts, an assumed role that writes the vault, and vaultferry with a config for them. Names are its own."""

    def __init__(self, server, vaultferry):
        self.server, self.vaultferry = server, vaultferry
        self.simulated = server.name == "s3sim"
        if self.simulated:
            server.control("POST", "/_s3sim/reset")
        self.tag = uuid.uuid4().hex[:8]
        self.source, self.owner = clients(server)
        self.vault_bucket = f"vault-{self.tag}"
        self.buckets = []
        self.outputs = []
        self.secrets = [user[1] for user in
            (server.source_owner, server.source_agent, server.vault_owner, server.vault_agent)]
        self.owner.create_bucket(Bucket=self.vault_bucket)
        self.owner.put_bucket_versioning(Bucket=self.vault_bucket, VersioningConfiguration={"Status": "Enabled"})
        self.vault = Vault(self.owner, self.vault_bucket)
        self.vault_role = self._make_vault_role()
        self.source_role = self._make_source_role()
        self._write_profiles()

    def _make_vault_role(self):
        account, name = self.server.vault_account, f"vaultferry-vault-{self.tag}"
        policy = [allow(VAULT_ACTIONS, f"arn:aws:s3:::{self.vault_bucket}", f"arn:aws:s3:::{self.vault_bucket}/*"),
            allow(READ_BUCKET + READ_OBJECTS, f"arn:aws:s3:::*-{self.tag}", f"arn:aws:s3:::*-{self.tag}/*")]
        user = f"arn:aws:iam::{account}:user/agent"
        if self.simulated:
            self.server.control("POST", "/_s3sim/roles", {"account": account, "name": name, "trust": [user],
                "external_id": EXTERNAL_ID, "policy": json.loads(document(*policy))})
        else:
            iam = self.server.client(*self.server.vault_owner, service="iam")
            trust = {"Effect": "Allow", "Principal": {"AWS": [user]}, "Action": ["sts:AssumeRole"]}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
            iam.put_role_policy(RoleName=name, PolicyName="write", PolicyDocument=document(*policy))
        return f"arn:aws:iam::{account}:role/{name}"

    def _make_source_role(self):
        """RGW lists to a role the buckets of its caller: there the source's owner reads, by a profile of its own."""
        if not self.simulated:
            return None
        account, name = self.server.source_account, f"vaultferry-read-{self.tag}"
        self.server.control("POST", "/_s3sim/roles", {"account": account, "name": name, "external_id": EXTERNAL_ID,
            "trust": [f"arn:aws:iam::{self.server.vault_account}:user/agent"],
            "policy": json.loads(document(allow(SOURCE_ACTIONS, "*")))})
        return f"arn:aws:iam::{account}:role/{name}"

    def _write_profiles(self):
        folder = self.vaultferry.home / ".aws"
        folder.mkdir(exist_ok=True)
        users = {"source": self.server.source_owner, "agent": self.server.vault_agent}
        (folder / "credentials").write_text("".join(
            f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n" for name, (key,
                secret) in users.items()))
        (folder / "config").write_text(f"[profile short]\nrole_arn = {self.vault_role}\nsource_profile = agent\n"
            f"external_id = {EXTERNAL_ID}\nduration_seconds = 2\n")

    # the source account

    def bucket(self, name="docs", versioned=False, actions=READ_OBJECTS, **synthetic):
        """A bucket that the vault's role may read; with arguments of s3sim's, a synthetic one."""
        bucket = f"{name}-{self.tag}"
        if synthetic:
            self.server.control("POST", "/_s3sim/synthetic",
                {"bucket": bucket, "account": self.server.source_account, "seed": 1, "size": 16} | synthetic)
        else:
            self.source.create_bucket(Bucket=bucket)
        if versioned:
            self.source.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.grant(bucket, actions)
        self.buckets.append(bucket)
        return bucket

    def grant(self, bucket, actions=READ_OBJECTS):
        self.source.put_bucket_policy(Bucket=bucket, Policy=document(
            allow(READ_BUCKET, f"arn:aws:s3:::{bucket}", principal=self.vault_role),
            allow(actions, f"arn:aws:s3:::{bucket}/*", principal=self.vault_role)))

    def put(self, bucket, key, body=None, **arguments):
        body = key.encode() if body is None else body
        self.source.put_object(Bucket=bucket, Key=key, Body=body, **arguments)

    def fill(self, bucket, count, prefix="k"):
        keys = [f"{prefix}{i:03d}" for i in range(count)]
        for key in keys:
            self.put(bucket, key)
        return keys

    # vaultferry

    def config(self, *buckets, policy=None, select=None, vault=None, source=None, **top):
        server = self.server
        common = {"region": "us-east-1", "endpoint": server.url, "sts_endpoint": server.url, "path_style": True}
        there = {"bucket": self.vault_bucket, "account": server.vault_account, "role_arn": self.vault_role,
            "external_id": EXTERNAL_ID} | common
        here = {"account": server.source_account, "policy": "documents",
            "select": {"buckets": list(buckets or self.buckets)} | (select or {})} | common
        if self.simulated:
            here |= {"role_arn": self.source_role, "external_id": EXTERNAL_ID}
        else:
            here |= {"profile": "source", "copy_source_prefix": f"{server.source_account}:"}
            there |= {"acl": "bucket-owner-full-control"}
        return {"vault": there | (vault or {}), "sources": [here | (source or {})],
            "policies": {"documents": {"delete_after_days": 35,
                "guard": NO_GUARD} | (policy or {})}, "limits": {"workers": 8}} | top

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": self.server.vault_agent[0], "AWS_SECRET_ACCESS_KEY": self.server.vault_agent[1]}

    def judged(self, result):
        """No secret is shown, and the two ways of saying the exit code agree."""
        for text in (result.stdout, result.stderr):
            for secret in (*self.secrets, "s3sim+/", "FwoGZXIvYXdzE"):
                assert secret not in text, f"a secret is shown: {result!r}"
        if result.stdout.startswith("{") and "exit" in result.stdout:
            assert result.json["exit"] == result.returncode, result
        return result

    def cli(self, *arguments, config=None, timeout=120):
        return self.judged(self.vaultferry(*arguments, config=config or self.config(), env=self.env, timeout=timeout))

    def do(self, command, *arguments, exit=0, config=None):
        """Runs a command with --json; its document."""
        result = self.cli("--json", "-v", command, *arguments, config=config)
        assert result.returncode == exit, result
        assert result.json["command"] == command
        return result.json

    def run(self, *arguments, exit=0, config=None):
        """A run of one source: its report, with the exit code that was expected."""
        sources = self.do("run", *arguments, exit=exit, config=config)["sources"]
        assert len(sources) == 1, sources
        return sources[0]

    def start(self, *arguments, config=None, state=None):
        options = ["--state-dir", state] if state else []
        return self.vaultferry.start("--json", *options, *arguments, config=config or self.config(), env=self.env)

    def finish(self, child):
        return self.judged(self.vaultferry.finish(child))

    # s3sim's controls

    def faults(self, *rules):
        self.server.control("POST", "/_s3sim/faults", list(rules))

    def fired(self):
        return [rule["fired"] for rule in self.server.control("GET", "/_s3sim/faults")]

    def heal(self):
        self.server.control("DELETE", "/_s3sim/faults")

    def latency(self, ms, *operations):
        self.server.control("POST", "/_s3sim/latency", {"ms": ms, "operations": list(operations)} if ms else {"ms": 0})

    def clock(self, seconds):
        self.server.control("POST", "/_s3sim/clock", {"offset_seconds": seconds, "accept_real_time": True})

    def limits(self, **limits):
        self.server.control("POST", "/_s3sim/limits", limits)

    def later(self, seconds=3):
        """Time passes for the source: s3sim's times have whole seconds, RGW's have milliseconds."""
        self.passed = getattr(self, "passed", 0) + seconds
        if self.simulated:
            self.clock(self.passed)

    def forget_counts(self):
        self.server.control("POST", "/_s3sim/counters/reset")

    def counts(self):
        """Requests by operation since forget_counts."""
        return Counts(self.server.control("GET", "/_s3sim/counters")["operations"])

    def requests(self, operation, bucket=None):
        """Those of the last 4,096 requests that are this operation, oldest first."""
        return [one for one in self.server.control("GET", "/_s3sim/requests?last=4096")
            if one["operation"] == operation and bucket in (None, one["bucket"])]

    def wait_for(self, ready, seconds=20):
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, "what was waited for did not happen"
            time.sleep(0.02)

    # the judge

    def assert_same(self, bucket, name=None, tags=True):
        """Each object of the bucket, and no other, is in the vault with the same bytes, headers, metadata and tags."""
        live = self.vault.live(name or bucket)
        keys = listing(self.source, bucket)
        assert sorted(live) == sorted(keys)
        for key in keys:
            here = self.source.get_object(Bucket=bucket, Key=key)
            there = self.owner.get_object(Bucket=self.vault_bucket, Key=live[key]["Key"])
            assert here["Body"].read() == there["Body"].read(), key
            for header in HEADERS:
                assert here.get(header) == there.get(header), (key, header)
            if tags:
                ours = self.source.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
                assert ours == self.owner.get_object_tagging(Bucket=self.vault_bucket,
                    Key=live[key]["Key"])["TagSet"], key


class Counts(dict):
    """Counters of operations; what did not happen is 0."""

    def __missing__(self, name):
        return 0


class Point:
    def __init__(self, point, text):
        self.id, self.text = point, text
        self.json = json.loads(text)
        self.sha256 = hashlib.sha256(text).hexdigest()

    def __getitem__(self, name):
        return self.json[name]


class Vault:
    """Reads the vault as state/README.md describes it, with boto3, zstandard and hashlib: none of its code."""

    def __init__(self, client, bucket):
        self.client, self.bucket = client, bucket

    def versions(self, prefix=""):
        """All versions and delete markers, by key and from the newest on."""
        found = []
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
            found += [dict(entry, Marker=False) for entry in page.get("Versions", [])]
            found += [dict(entry, Marker=True) for entry in page.get("DeleteMarkers", [])]
        return found

    def copies(self, source):
        """How often each path under data/ was written: {path: number of versions}, delete markers apart."""
        count = Counts()
        for entry in self.versions(f"data/{source}/") + self.versions(f"data-long/{source}/"):
            if not entry["Marker"]:
                count[entry["Key"]] += 1
        return count

    def markers(self, source):
        return sorted(entry["Key"] for entry in self.versions(f"data/{source}/") + self.versions(f"data-long/{source}/")
            if entry["Marker"])

    def live(self, source):
        """{key: the current version in the vault}, by listing data/, data-long/ and names/ alone."""
        found = {}
        for entry in self.versions(f"data/{source}/"):
            if entry["IsLatest"] and not entry["Marker"]:
                found[entry["Key"][len(f"data/{source}/"):]] = entry
        for entry in self.versions(f"data-long/{source}/"):
            if entry["IsLatest"] and not entry["Marker"]:
                digest = entry["Key"].rsplit("/", 1)[1]
                name = self.read(f"names/{source}/{digest}")
                assert hashlib.sha256(name).hexdigest() == digest
                found[name.decode()] = entry
        return found

    def read(self, key, version=None):
        arguments = {"VersionId": version} if version else {}
        return self.client.get_object(Bucket=self.bucket, Key=key, **arguments)["Body"].read()

    def files(self, source):
        """{path under points/<source>/: bytes}. Nothing there may have been written twice or deleted."""
        files = {}
        for entry in self.versions(f"points/{source}/"):
            assert not entry["Marker"] and entry["Key"] not in files, f"{entry['Key']} was written again or deleted"
            files[entry["Key"]] = self.read(entry["Key"], entry["VersionId"])
        return {path[len(f"points/{source}/"):]: text for path, text in files.items()}

    @staticmethod
    def lines(source, path, text):
        """The change lines of a log or full file, after its header and trailer were checked."""
        frame = zstandard.ZstdDecompressor().decompressobj()
        lines = frame.decompress(text).split(b"\n")
        assert frame.eof and frame.unused_data == b"", f"{path} is not one whole frame"
        assert lines.pop() == b""
        header, trailer = json.loads(lines[0]), json.loads(lines[-1])
        body = lines[1:-1]
        point, name = path.split("/")
        kind, number = name.split(".")[0].split("-")
        assert header == {"format": 1, "kind": kind, "source": source, "point": point, "number": int(number)}
        assert trailer["lines"] == len(body)
        assert trailer["sha256"] == hashlib.sha256(b"".join(line + b"\n" for line in lines[:-1])).hexdigest()
        return [json.loads(line) for line in body]

    def points(self, source):
        """All points, oldest first, after the whole chain was checked: predecessors, sums of all files, totals."""
        files = self.files(source)
        points = [Point(path.split("/")[0], text) for path, text in sorted(files.items())
            if path.endswith("/point.json")]
        before, view, named = None, {}, set()
        for point in points:
            link = {"point": before.id, "sha256": before.sha256} if before else None
            assert point["predecessor"] == link, point.id
            assert (point["point"], point["source"], point["format"]) == (point.id, source, 1)
            assert moment(point["started"]) <= moment(point["finished"])
            full = {}
            for file in point["files"]:
                path = f"{file.get('point', point.id)}/{file['name']}"
                assert path not in named, f"{path} is named twice"
                named.add(path)
                assert hashlib.sha256(files[path]).hexdigest() == file["sha256"], path
                assert len(files[path]) == file["bytes"]
                lines = self.lines(source, path, files[path])
                assert len(lines) == file["lines"]
                if file["name"].startswith("full-"):
                    assert not set(full) & {line["key"] for line in lines}
                    full |= {line["key"]: line for line in lines}
                else:
                    self.apply(view, lines)
            if full:
                assert list(full) == sorted(full, key=str.encode)
                assert {key: line["vault"] for key, line in full.items()} == {key: line["vault"] for key,
                    line in view.items()}
            point.view = dict(view)
            assert (point["objects"], point["bytes"]) == (len(view),
                sum(line["size"] for line in view.values())), point.id
            for name, totals in point["by_class"].items():
                sizes = [line["size"] for line in view.values() if line["class"] == name]
                assert totals == {"objects": len(sizes), "bytes": sum(sizes)}
            before = point
        return points

    @staticmethod
    def apply(view, lines):
        for line in lines:
            if line["did"] == "deleted":
                view.pop(line["key"], None)
            else:
                view[line["key"]] = line

    def view(self, source):
        """{key: (etag, size)} of the newest point, after all was checked."""
        return {key: (line["etag"], line["size"]) for key, line in self.check(source)[-1].view.items()}

    def check(self, source):
        """The chain holds, and its newest view is exactly what boto3 lists. Returns the points."""
        points = self.points(source)
        live = self.live(source)
        view = points[-1].view
        assert sorted(view) == sorted(live)
        for key, line in view.items():
            assert line["size"] == live[key]["Size"], key
            assert line.get("vault", live[key]["VersionId"]) == live[key]["VersionId"], key
        return points

    def remove(self, prefix):
        """Removes every version under a prefix, as whoever ruins a vault would."""
        for entry in self.versions(prefix):
            self.client.delete_object(Bucket=self.bucket, Key=entry["Key"], VersionId=entry["VersionId"])


def fails(call, code, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} was expected")
