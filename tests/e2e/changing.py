"""Sources that change at random under the runs of test_kills.py, and know what they hold."""
import concurrent.futures

from checker import pages
from world import listing

LONG = "long/" + "ü" * 480 + "/"
ODD = ("a b", "a+b", "a%2Fb", "a//b", "q?x=1&y#z", "line\nbreak", "é/ü", "\U0001f600", "'\"<&>", "~", LONG)


class Source:
    """A bucket that changes at random. `keys` has the size of each object, `fresh` the keys whose present content no
    copy was seen of. What is to happen is drawn in order, and then done by several threads, each key's in its order."""

    bodies = True  # are compared

    def __init__(self, world, bucket, chance):
        self.bucket, self.chance, self.client = bucket, chance, world.source
        self.keys, self.gone, self.fresh, self.made = {}, set(), set(), 0
        self.to_do, self.there = {}, {}  # there: as listed since the last change

    def some(self, keys):
        return self.chance.choice(sorted(keys))

    def changed(self, key, size, what, **arguments):
        self.made += 1
        self.keys[key] = size
        self.gone.discard(key)
        self.fresh.add(key)
        self.to_do.setdefault(key, []).append((what, arguments))

    def put(self, key, size=None, **arguments):
        body = self.chance.randbytes(self.chance.choice((0, 8, 8, 8, 300)) if size is None else size)
        self.changed(key, len(body), self.client.put_object, Body=body, Metadata={"n": str(self.made)}, **arguments)

    def put_parts(self, key):
        bodies = [self.chance.randbytes(64) for _ in range(self.chance.randrange(2, 6))]
        self.changed(key, 64 * len(bodies), self._upload, bodies=bodies, number=str(self.made))

    def _upload(self, Bucket, Key, bodies, number):
        there = {"Bucket": Bucket, "Key": Key}
        there["UploadId"] = self.client.create_multipart_upload(Metadata={"n": number}, ContentType="video/mp4",
            Tagging="kind=parts", **there)["UploadId"]
        parts = [{"PartNumber": n, "ETag": self.client.upload_part(PartNumber=n, Body=body, **there)["ETag"]}
            for n, body in enumerate(bodies, 1)]
        self.client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **there)

    def add(self):
        prefix = self.chance.choice(("", "dir/", "dir/sub/", "log/2026/", LONG if self.chance.random() < 0.3 else "x"))
        key = self.chance.choice(ODD) + str(self.made) if self.chance.random() < 0.2 else f"{prefix}{self.made:05d}"
        if self.chance.random() < 0.12:
            self.put_parts(key)
        else:
            self.put(key, Tagging="colour=blue" if self.chance.random() < 0.2 else "",
                ContentType=self.chance.choice(("text/plain", "image/png")))

    def overwrite(self):
        key = self.some(self.keys)
        self.put(key, size=self.chance.choice((self.keys[key], self.keys[key], None)))

    def describe(self):
        """Other metadata, the same bytes: the ETag does not tell."""
        key = self.some(self.keys)
        self.changed(key, self.keys[key], self.client.copy_object, CopySource={"Bucket": self.bucket, "Key": key},
            MetadataDirective="REPLACE", Metadata={"n": str(self.made), "described": "yes"}, ContentType="text/html")

    def delete(self):
        key = self.some(self.keys)
        self.changed(key, 0, self.client.delete_object)
        del self.keys[key]
        self.fresh.discard(key)
        self.gone.add(key)

    def create_again(self):
        if self.gone:
            self.put(self.some(self.gone))

    def change(self, times):
        for _ in range(times):
            what = self.chance.choices((self.add, self.overwrite, self.describe, self.delete, self.create_again),
                (6 if len(self.keys) < 80 else 2, 3, 2, 3, 1))[0]
            what() if self.keys else self.add()
        in_parallel(self._do, self.to_do.items())
        self.to_do = {}
        self.there = listing(self.client, self.bucket)

    def _do(self, work):
        key, changes = work
        for what, arguments in changes:
            what(Bucket=self.bucket, Key=key, **arguments)


class Generations:
    """A bucket that s3sim computes: many objects, some of which are others after change()."""

    bodies = False  # what they hold follows from their ETags

    def __init__(self, world, bucket):
        self.world, self.bucket, self.generation = world, bucket, 0
        self.keys, self.fresh = {}, set()
        self._note()

    def change(self, times):
        self.generation += 1
        self.world.server.control("POST", "/_s3sim/synthetic", {"bucket": self.bucket, "generation": self.generation,
            "changed_share": times / 1000, "deleted_share": times / 4000})
        self._note()

    def _note(self):
        entries = list(pages(self.world.source, "list_objects_v2", "Contents", Bucket=self.bucket))
        self.there = {entry["Key"]: (entry["ETag"].strip('"'), entry["Size"]) for _, entry in entries}
        now = {entry["Key"]: (entry["ETag"], entry["LastModified"]) for _, entry in entries}
        self.fresh = {key for key in now if key in self.fresh or self.keys.get(key) != now[key]}
        self.keys = now


def in_parallel(what, over):
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(what, over))
