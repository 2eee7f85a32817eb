"""The scripts that complete the command line, asked in the shells they are for."""
import subprocess

import pytest

ASK = {
    "bash": 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vaultferry; printf "%s\\n" "${COMPREPLY[@]}"',
    # outside of an editor compadd cannot be called: what it is given is what would be offered
    "zsh": 'compdef() { }; compadd() { shift; print -l -- "$@" }; _files() { print "(files)" }; script=$1; shift; '
           'words=("$@"); CURRENT=$#; source "$script"; _vaultferry',
    "fish": 'source $argv[1]; complete -C "$argv[2..-1]"',
}


@pytest.fixture(params=ASK)
def offered(request, vaultferry, tmp_path):
    shell = request.param
    result = vaultferry("completion", shell)
    assert result.returncode == 0 and result.stderr == ""
    script = tmp_path / f"_vaultferry.{shell}"
    script.write_text(result.stdout)

    def ask(*words):
        """What the shell offers for the last word."""
        if shell == "bash":
            command = ["bash", "-c", ASK[shell], str(script), *words]
        elif shell == "zsh":
            command = ["zsh", "-f", "-c", ASK[shell], "zsh", str(script), *words]
        else:
            command = ["fish", "--no-config", "-c", ASK[shell], str(script), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and done.stderr == "", done
        return {line.split("\t")[0] for line in done.stdout.splitlines()}

    return ask


def test_commands_options_and_choices_are_offered(offered):
    assert {"run", "restore", "completion", "help"} <= offered("vaultferry", "")
    assert {"--source", "--conflict", "--to-profile"} <= offered("vaultferry", "restore", "--")
    assert {"skip", "overwrite", "fail"} <= offered("vaultferry", "restore", "--conflict", "")
    assert {"bash", "zsh", "fish"} <= offered("vaultferry", "completion", "")
    assert {"vault-role", "source-bucket"} <= offered("vaultferry", "policy", "")
    assert "check" in offered("vaultferry", "--json", "config", "")
    assert "--due" not in offered("vaultferry", "restore", "--")


def test_a_shell_that_is_not_known_is_refused(vaultferry):
    result = vaultferry("completion", "tcsh")
    assert result.returncode == 1 and "bash, zsh or fish" in result.stderr and result.stdout == ""
