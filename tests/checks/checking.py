"""What the checks share: the files of the tree, and a self-test that shows that a check can fail.

A check is a function from a root folder to a list of "file:line: what is wrong". Called with a folder (default: the
repository) it prints them and exits 1 if there are any. Called with --self-test it must find nothing in a clean tree,
and the named complaint in each tree with a planted violation.
"""
import os
import pathlib
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("sigv4", "s3", "state", "agent")
FOLDERS = ROOMS + ("deploy", "tests", ".ci")
# inputs that others wrote, byte for byte
DATA_FOLDERS = {"vectors", "data", "corpus", "golden", "__pycache__"}


def files(root, suffixes, folders=FOLDERS):
    """The files of the tree, in a fixed order; those of the root itself where the folders are not narrowed."""
    found = []
    for folder in folders:
        for parent, below, names in os.walk(pathlib.Path(root, folder)):
            below[:] = sorted(set(below) - DATA_FOLDERS)
            found += [pathlib.Path(parent, name) for name in sorted(names)]
    if folders == FOLDERS:
        found += sorted(path for path in pathlib.Path(root).iterdir() if path.is_file())
    return [path for path in found if path.suffix in suffixes]


def shell_scripts(root):
    def is_script(path):
        with path.open("rb") as file:
            first = file.readline(80)
        return first.startswith(b"#!") and (b"bash" in first or b"/sh" in first)

    return [path for path in files(root, {"", ".sh", ".bash"}) if is_script(path)]


def plant(root, tree):
    for name, content in tree.items():
        path = pathlib.Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode(errors="surrogateescape"))


def self_test(check, clean, planted):
    wrong = []
    with tempfile.TemporaryDirectory() as root:
        plant(root, clean)
        wrong += [f"clean tree: {found}" for found in check(root)]
    for complaint, tree in planted:
        with tempfile.TemporaryDirectory() as root:
            plant(root, {**clean, **tree})
            found = check(root)
            if not any(complaint in line for line in found):
                wrong.append(f"planted {list(tree)}: no complaint with '{complaint}' in {found}")
    return wrong


def main(check, clean, planted):
    if sys.argv[1:] == ["--self-test"]:
        found = self_test(check, clean, planted)
    else:
        found = check(sys.argv[1] if len(sys.argv) > 1 else REPOSITORY)
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
