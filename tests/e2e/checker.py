"""Follows a vault from look to look, and says what a run, killed or not, must never do to it.

Independent of vaultferry: boto3 lists and reads, zstandard and hashlib open what was read, and the formats are those
of state/README.md. A Checker remembers all that it has seen. Each look holds the vault against it: nothing that was
there is gone or was written again, each new point follows from the one before, and all of its view was in the vault
when it was finished.
"""
import datetime
import hashlib
import json

import zstandard

HEADERS = ("ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl", "ExpiresString",
    "WebsiteRedirectLocation", "Metadata", "ContentLength", "ETag")


def pages(client, operation, *fields, **arguments):
    """The entries of a listing, field by field of each page."""
    for page in client.get_paginator(operation).paginate(**arguments):
        for field in fields:
            yield from ((field, entry) for entry in page.get(field, []))


class Version:
    """One version or delete marker, as listed."""

    def __init__(self, field, entry):
        self.path, self.id = entry["Key"], entry["VersionId"]
        self.marker = field == "DeleteMarkers"
        self.latest = entry["IsLatest"]
        self.time = entry["LastModified"]
        self.etag, self.size = entry.get("ETag", "").strip('"'), entry.get("Size", 0)

    @property
    def facts(self):
        """All that must never change."""
        return self.path, self.id, self.marker, self.time, self.etag, self.size


class Point:
    def __init__(self, name, text, before, view):
        self.id, self.text, self.before, self.view = name, text, before, view
        self.json = json.loads(text)
        self.sha256 = hashlib.sha256(text).hexdigest()
        # as texts, whole seconds and fractions of one second would not compare
        self.started, self.finished = (datetime.datetime.fromisoformat(self.json[name].replace("Z", "+00:00"))
            for name in ("started", "finished"))

    def what(self):
        """{key: (etag, size)}, to be held against a listing of the source."""
        return {key: (line["etag"], line["size"]) for key, line in self.view.items()}


class Looked:
    """What a look found that the one before had not."""

    def __init__(self, versions, points):
        self.versions, self.points = versions, points

    @property
    def copies(self):
        return [one for one in self.versions if not one.marker and one.path.split("/")[0] in ("data", "data-long")]


class Checker:
    """`versions` has every version ever seen by its path and id, `points` every point with its view, oldest first."""

    def __init__(self, client, bucket, source):
        self.client, self.bucket, self.source = client, bucket, source
        self.versions, self.points, self.files, self.named = {}, [], {}, {}
        self.names = {}
        self.history = {}  # {path: its versions, newest first}

    # looking

    def look(self):
        listed = [Version(*entry) for entry in
            pages(self.client, "list_object_versions", "Versions", "DeleteMarkers", Bucket=self.bucket)]
        now = {(one.path, one.id): one for one in listed}
        for place, old in self.versions.items():
            assert place in now, f"{place} was removed"
            assert now[place].facts == old.facts, f"{place} is another one now"
        new = [one for place, one in now.items() if place not in self.versions]
        self.versions = now
        self.history = {}
        for one in sorted(listed, key=lambda one: (one.time, one.latest), reverse=True):
            self.history.setdefault(one.path, []).append(one)
        self._read_files()
        return Looked(new, self._take_points())

    def _read(self, one):
        return self.client.get_object(Bucket=self.bucket, Key=one.path, VersionId=one.id)["Body"].read()

    def _read_files(self):
        """Files of points are written once, and never again."""
        for path, versions in self.history.items():
            room, source, name = path.split("/", 2)
            assert source == self.source
            if room == "points":
                assert len(versions) == 1 and not versions[0].marker, f"{path} was written again or deleted"
                if name not in self.files:
                    self.files[name] = self._read(versions[0])
            elif room == "names" and name not in self.names:
                text = self._read(versions[-1])
                assert hashlib.sha256(text).hexdigest() == name, f"{path} holds another key"
                self.names[name] = text.decode()

    def path_of(self, key):
        path = f"data/{self.source}/{key}"
        if len(path.encode()) <= 1024:
            return path
        return f"data-long/{self.source}/{hashlib.sha256(key.encode()).hexdigest()}"

    def key_of(self, path):
        room, _, name = path.split("/", 2)
        return self.names[name] if room == "data-long" else name

    # points

    def _take_points(self):
        known = {point.id for point in self.points}
        found = sorted(name.split("/")[0] for name in self.files if name.endswith("/point.json"))
        assert found[:len(known)] == [point.id for point in self.points], "a point appeared before older ones"
        new = []
        for name in found[len(known):]:
            self.points.append(self._take_point(name, self.points[-1] if self.points else None))
            new.append(self.points[-1])
        return new

    def _take_point(self, name, before):
        point = Point(name, self.files[f"{name}/point.json"], before, dict(before.view) if before else {})
        said, full = point.json, {}
        link = {"point": before.id, "sha256": before.sha256} if before else None
        assert said["predecessor"] == link, f"{name} does not follow {link}"
        assert (said["point"], said["source"], said["format"]) == (name, self.source, 1)
        assert point.started <= point.finished
        for file in said["files"]:
            path = f"{file.get('point', name)}/{file['name']}"
            assert self.named.setdefault(path, name) == name, f"{path} belongs to two points"
            assert path in self.files, f"{name} names {path}, which is not there"
            lines = self._lines(path, file)
            if file["name"].startswith("full-"):
                assert not set(full) & {line["key"] for line in lines}
                full |= {line["key"]: line for line in lines}
            else:
                self._apply(point.view, lines)
        if full:
            assert list(full) == sorted(full, key=str.encode)
            assert {key: line["vault"] for key, line in full.items()} == \
                {key: line["vault"] for key, line in point.view.items()}, f"{name}'s full file is not its view"
        assert (said["objects"], said["bytes"]) == (len(point.view), sum(line["size"] for line in point.view.values()))
        self._hold_against_versions(point)
        return point

    @staticmethod
    def _apply(view, lines):
        for line in lines:
            if line["did"] == "deleted":
                view.pop(line["key"], None)
            else:
                view[line["key"]] = line

    def _lines(self, path, file):
        text = self.files[path]
        assert (hashlib.sha256(text).hexdigest(), len(text)) == (file["sha256"], file["bytes"]), path
        frame = zstandard.ZstdDecompressor().decompressobj()
        lines = frame.decompress(text).split(b"\n")
        assert frame.eof and frame.unused_data == b"" and lines.pop() == b"", f"{path} is not one whole file"
        header, trailer = json.loads(lines[0]), json.loads(lines[-1])
        point, name = path.split("/")
        kind, number = name.split(".")[0].split("-")
        assert header == {"format": 1, "kind": kind, "source": self.source, "point": point, "number": int(number)}
        sha256 = hashlib.sha256(b"".join(line + b"\n" for line in lines[:-1])).hexdigest()
        assert (trailer["lines"], trailer["sha256"], file["lines"]) == (len(lines) - 2, sha256, len(lines) - 2), path
        return [json.loads(line) for line in lines[1:-1]]

    def _hold_against_versions(self, point):
        """Each object of the view was there when the point was finished, and was the newest of its path then."""
        for key, line in point.view.items():
            path = self.path_of(key)
            one = self.versions.get((path, line["vault"]))
            assert one and not one.marker, f"{point.id} claims {key!r}, which the vault does not have"
            assert one.time <= point.finished, f"{point.id} claims {key!r} of {one.time}, after {point.finished}"
            assert one.size == line["size"], key
            assert one.etag == line["etag"] or line.get("by") == "size", key
            then = [other for other in self.history[path] if other.time <= point.finished]
            assert then[0].id == one.id, f"{point.id}: {key!r} had a newer version by then"

    def strangers(self, point):
        """What is live without being in the view of the newest point: copies that nobody came to record."""
        return [versions[0] for path, versions in self.history.items() if path.split("/")[0] in ("data", "data-long")
            and not versions[0].marker and self.key_of(path) not in point.view]

    def read_again(self):
        """The whole vault by fresh eyes: what each point was when it was written, it is still."""
        fresh = Checker(self.client, self.bucket, self.source)
        fresh.look()
        assert [(point.id, point.text) for point in fresh.points] == [(point.id, point.text) for point in self.points]
        for point, then in zip(fresh.points, self.points):
            assert point.view == then.view, f"the view of {point.id} has changed"
        return fresh

    # objects

    def same(self, reader, bucket, key):
        """The object of the source and the newest version in the vault have equal bytes, headers, metadata, tags."""
        newest = self.history[self.path_of(key)][0]
        assert not newest.marker, f"{key!r} is marked as deleted in the vault"
        here = reader.get_object(Bucket=bucket, Key=key)
        there = self.client.get_object(Bucket=self.bucket, Key=newest.path, VersionId=newest.id)
        assert here["Body"].read() == there["Body"].read(), key
        for header in HEADERS:
            assert here.get(header) == there.get(header), (key, header)
        if here.get("TagCount") or there.get("TagCount"):
            ours = reader.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
            theirs = self.client.get_object_tagging(Bucket=self.bucket, Key=newest.path, VersionId=newest.id)["TagSet"]
            assert sorted(map(str, ours)) == sorted(map(str, theirs)), key

    def uploads(self):
        return [entry["Key"] for _, entry in
            pages(self.client, "list_multipart_uploads", "Uploads", Bucket=self.bucket)]
