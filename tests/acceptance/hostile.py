"""What people whose nodes are hostile submit, and what became of it."""

from collections.abc import Callable, Iterator

from tests.acceptance.people import Person, with_token
from tests.stack import Stack

PASSWORD = "horse battery correct"

# What a person may write into ~/.bashrc, which bash reads for each command that comes over SSH.
STARTUP_FILES = {
    "prints": "echo hi",
    "hangs": "sleep 3600",
    "prints a lot": "head -c 100000000 /dev/zero | tr '\\0' x",
    "prints for ever": "yes",
    "defines python3": "python3() { sleep 3600; }",
    "defines everything": "exec() { sleep 3600; }; env() { sleep 3600; }; /usr/bin/env() { sleep 3600; }",
    "exits": "exit 3",
    "reads the request": "cat > /dev/null",
    "has no python3": 'exec bash --norc -c "${BASH_EXECUTION_STRING//python3/no-such-python3}"',
    "forges an answer": (
        'python3 -c \'import json, sys; marker = json.load(sys.stdin)["marker"]; '
        'print(marker + "[" * 100000 + marker)\'; exit'
    ),
}


def after(startup: str, then: str) -> str:
    """Return a command that leaves a start-up file and output behind, and goes on with `then`."""
    return f"cat > ~/.bashrc <<'END'\n{startup}\nEND\necho kept > out.txt\n{then}"


def person_named(portal: Stack, name: str) -> Person:
    portal.manage(
        "shell",
        "-c",
        f"from accounts.models import User; User.objects.filter(username='{name}').exists() "
        f"or User.objects.create_user('{name}', password='{PASSWORD}')",
    )
    return with_token(portal, name, PASSWORD)


def files_of(person: Person, job: str) -> set[str]:
    listed = person.get(f"/api/v2/jobs/{job}/files/?page_size=100")["results"]
    return {file["relativePath"] for file in listed}


def reason_of(person: Person, job: str) -> str:
    return str(person.get(f"/api/v2/jobs/{job}/statuses/")["results"][0]["statusReason"])


def submitting(person: Person) -> Iterator[Callable[[str], str]]:
    """Yield a function that submits a person's jobs; what still runs is terminated afterwards."""
    made: list[str] = []

    def submit_one(command: str) -> str:
        made.append(person.submit(command, name="hostile"))
        return made[-1]

    yield submit_one
    for job in made:
        person.call("POST", f"/api/v2/jobs/{job}/stop/")
    for job in made:
        person.wait_for_cluster(job, "Stopped", limit=180)
