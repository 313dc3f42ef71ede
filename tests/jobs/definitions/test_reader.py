"""A definition is read, and every problem of a bad one is reported at once, with its line and key."""

import pytest

from jobs.context.context_plan import OnError
from jobs.definitions.members import HOW_TO_NAME
from jobs.node_contract.phases import Phase
from tests.jobs.definitions.catalogue import CATALOGUE, HEAD, plan, problems, read

COMPUTE = '\n[[members]]\nprefix = "compute"\ncount = 2\ncore_type = "onyx"\n'


def test_the_smallest_definition_is_a_head_node_without_a_command() -> None:
    found = read(HEAD)
    assert (found.name, found.hours, found.command, found.auto_terminate) == ("trial", 2, "", None)
    assert found.idle_minutes is None
    assert read("idle_minutes = 0\n" + HEAD).idle_minutes == 0
    [head] = found.plan.members
    assert (head.name, head.role, head.core_type, head.cores) == ("head", "head", "emerald", 1)


def test_members_are_counted_on_from_table_to_table() -> None:
    more = '[[members]]\nprefix = "compute"\ncount = 1\ncore_type = "emerald"\ncores = 8\n'
    found = read(HEAD + COMPUTE + more)
    members = [(member.name, member.core_type, member.cores) for member in found.plan.members]
    assert members == [
        ("head", "emerald", 1),
        ("compute-1", "onyx", 2),
        ("compute-2", "onyx", 2),
        ("compute-3", "emerald", 8),
    ]
    assert found.cores == 13
    assert found.kinds() == [("emerald", 1, 1), ("onyx", 2, 2), ("emerald", 8, 1)]
    assert found.price_per_hour(CATALOGUE) == CATALOGUE.core_types["onyx"].price_per_core_hour * 4 + 9 * (
        CATALOGUE.core_types["emerald"].price_per_core_hour
    )


def test_everything_there_is_can_be_said() -> None:
    found = read(
        'command = "hostname"\nauto_terminate = false\ninput_files = ["mesh.zip"]\n'
        + HEAD
        + """
provides = ["database"]
requires = ["web"]
[members.scripts]
finalize = "echo own"

[[members]]
name = "web"
core_type = "emerald"
provides = ["web"]

[environment]
SOLVER = "fast one"
[data]
"hello.txt" = "hi\\n"
[scripts]
data = "echo all"
finalize = "echo all"
[phase_timeouts]
data = 30
[policy]
on_error = "hold"
hold_hours = 1.5
"""
    )
    assert (found.command, found.auto_terminate, found.input_files) == ("hostname", False, ("Abcdef",))
    assert found.environment == {"SOLVER": "fast one"}
    head, web = found.plan.members
    assert (head.provides, head.requires) == (("database",), ("web",))
    assert head.scripts == {Phase.DATA: "echo all", Phase.FINALIZE: "echo own"}
    assert web.scripts == {Phase.DATA: "echo all", Phase.FINALIZE: "echo all"}
    assert found.plan.data == {"hello.txt": "hi\n"}
    assert found.plan.phase_timeouts == {Phase.DATA: 30}
    assert (found.plan.policy.on_error, found.plan.policy.hold_hours) == (OnError.HOLD, 1.5)


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    text = "\ufeff" + (HEAD + '[scripts]\ndata = """\none\ntwo"""\n').replace("\n", "\r\n")
    assert plan(text)["members"][0]["scripts"] == {"data": "one\ntwo"}


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (HEAD.replace("emerald", "emerlad"),
         ["line 6, members[0].core_type: there is no core type 'emerlad'; did you mean 'emerald'?"]),
        (HEAD.replace("emerald", "zzz"),
         ["line 6, members[0].core_type: there is no core type 'zzz'. Choose one of: emerald, onyx."]),
        (HEAD.replace("core_type", "type"),
         ["line 6, members[0].type: there is no such key; did you mean 'core_type'?"]),
        (HEAD.replace("hours = 2\n", ""),
         ["hours: is missing: say how long the cluster may be up, such as hours = 2."]),
        (HEAD.replace('core_type = "emerald"', ""),
         ["line 4, members[0].core_type: is missing. Choose one of: emerald, onyx."]),
        (HEAD.replace('name = "head"', 'nmae = "head"'),
         ["line 5, members[0].nmae: there is no such key; did you mean 'name'?"]),
        (HEAD.replace('name = "head"', ""),
         [f'line 4, members[0]: needs a name, such as name = "head", or: {HOW_TO_NAME}.']),
        (HEAD.replace("name = \"trial\"\n", ""),
         ['name: is missing: say what the cluster is called, such as name = "trial".']),
        (HEAD.replace("hours", "walltime"),
         ["line 2, walltime: there is no such key; did you mean 'hours'?"]),
        (HEAD.replace("2", "49"), ["line 2, hours: must be more than 0 and at most 48 hours, not 49."]),
        (HEAD.replace("2", "nan"), ["line 2, hours: must be more than 0 and at most 48 hours, not nan."]),
        (HEAD.replace("2", "0"), ["line 2, hours: must be more than 0 and at most 48 hours, not 0."]),
        (HEAD.replace("2", "true"), ["line 2, hours: must be more than 0 and at most 48 hours, not true."]),
        (HEAD.replace('"trial"', "7"), ["line 1, name: must be a text in quotes; here it is a number."]),
        (HEAD.replace('"trial"', '" "'),
         ['line 1, name: is empty: say what the cluster is called, such as name = "trial".']),
        (HEAD.replace('"trial"', '"""a\nb"""'),
         ["line 1, name: has line breaks or control characters; remove them."]),
        ('command = " "\n' + HEAD, ["line 1, command: Say which command to run."]),
        ('command = ["a"]\n' + HEAD, ["line 1, command: must be a text in quotes; here it is a list."]),
        ("auto_terminate = false\n" + HEAD,
         [("line 1, auto_terminate: applies only with a command: without one the cluster ends when its hours are "
           "over.")]),
        ('auto_terminate = "no"\n' + HEAD,
         ["line 1, auto_terminate: must be true or false, without quotes; here it is a text."]),
        ('input_files = ["mesh.zip", "other", 3]\n' + HEAD,
         ["line 1, input_files[1]: you have no uploaded file of this name or id. Upload it first.",
          "line 1, input_files[2]: must be a text in quotes, not 3."]),
        ('name = "x"\nhours = 1\n',
         ["members: is missing: a definition has a [[members]] table for each kind of node, one of them named head."]),
        ('name = "x"\nhours = 1\n[members]\nname = "head"\n',
         ["line 3, members: must be written [[members]], in two brackets, once for each kind of node."]),
        (HEAD.replace('"head"', '"front"'),
         ['line 4, members: one member must be the head node: give one the name = "head".']),
        (HEAD + COMPUTE.replace("count = 2\n", ""),
         [f"line 8, members[1].count: is missing: {HOW_TO_NAME}."]),
        (HEAD + COMPUTE.replace("prefix", "name"),
         [f"line 10, members[1].count: cannot be combined with name: {HOW_TO_NAME}."]),
        (HEAD + COMPUTE.replace("2", "5000"),
         ["line 10, members[1].count: must be a whole number from 1 to 64, not 5000."]),
        (HEAD + COMPUTE.replace("2", "64"),
         ["line 4, members: a cluster has at most 64 members; these are 65."]),
        (HEAD + "".join(COMPUTE for _ in range(64)),
         ["line 4, members: a cluster has at most 64 members; these are 65."]),
        (HEAD + COMPUTE + '[[members]]\nname = "compute-2"\ncore_type = "onyx"\n',
         ["line 13, members[2].name: two members are named compute-2."]),
        (HEAD + 'role = "compute"\n', ["line 7, members[0].role: the head node, and no other, is named head."]),
        (HEAD + 'role = "master"\n',
         ["line 7, members[0].role: 'master' is not a role of a node. Choose one of: head, compute."]),
        (HEAD + "cores = 3\n",
         ["line 7, members[0].cores: Emerald has no node of 3 cores. Choose one of: 1, 2, 4, 8."]),
        (HEAD + 'cores = "2"\n',
         ["line 7, members[0].cores: Emerald has no node of '2' cores. Choose one of: 1, 2, 4, 8."]),
        (HEAD + 'provides = "db"\n',
         ['line 7, members[0].provides: must be a list of texts, such as ["one", "two"]; here it is a text.']),
        (HEAD + 'provides = ["database"]\nrequires = [\n  "databse",\n]\n',
         ["line 9, members[0].requires[0]: no member provides 'databse'; did you mean 'database'?"]),
        (HEAD + 'requires = ["db"]\n', ["line 7, members[0].requires[0]: no member provides 'db'."]),
        (HEAD + 'scripts.finalise = "x"\n',
         ["line 7, members[0].scripts.finalise: there is no such key; did you mean 'finalize'?"]),
        (HEAD + 'scripts = "x"\n',
         ["line 7, members[0].scripts: must be a table: write [scripts] on a line of its own; here it is a text."]),
        (HEAD + '[policy]\nat_least_percent = 50\n',
         ['line 8, policy.at_least_percent: applies only with on_error = "continue"; add that line.']),
        (HEAD + '[policy]\non_error = "hold"\nat_least_percent = 50\nhold_hours = 25\n',
         ['line 9, policy.at_least_percent: applies only with on_error = "continue".',
          "line 10, policy.hold_hours: must be more than 0 and at most 24 hours, not 25."]),
        (HEAD + '[policy]\non_error = "holt"\n',
         ["line 8, policy.on_error: there is no such policy; did you mean 'hold'?"]),
        (HEAD + "[phase_timeouts]\ndata = 0\n",
         ["line 8, phase_timeouts.data: must be a whole number from 1 to 3600, not 0."]),
        (HEAD + '[environment]\n"1x" = "y"\nN = 1\n',
         [("line 8, environment.1x: is not a valid name of a variable: use letters, digits and underscores, no digit "
           "first."),
          "line 9, environment.N: must be a text in quotes; here it is a number."]),
        (HEAD + '[data]\na = 2024-01-01\n',
         ["line 8, data.a: must be a text in quotes; here it is a date or a time."]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_line_and_key(text: str, sentences: list[str]) -> None:
    assert problems(text) == sentences


@pytest.mark.parametrize(
    "name", ["a/b", "a'b", 'a\\"b', "../x", "A", "-a", "a b", "root", "localhost", "a" * 33, ""]
)
def test_a_name_that_is_no_host_name_is_refused(name: str) -> None:
    [sentence] = problems(HEAD + f'[[members]]\nname = "{name}"\ncore_type = "onyx"\n')
    assert sentence.startswith("line 8, members[1].name: ")
    assert "cannot name a member: use up to 32 lower-case letters" in sentence


def test_a_nodes_own_host_name_is_not_given_to_another() -> None:
    [sentence] = problems(HEAD + '[[members]]\nname = "ip-127-20-0-1"\ncore_type = "onyx"\n')
    assert "begins with ip- is reserved" in sentence


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "a b", "", "a" * 65])
def test_data_that_could_be_no_file_is_refused(name: str) -> None:
    [sentence] = problems(HEAD + f'[data]\n"{name}" = "x"\n')
    assert sentence.startswith("line 8, data.")
    assert "cannot name data, because it becomes a file's name" in sentence


def test_a_script_of_too_many_kilobytes_is_refused() -> None:
    [sentence] = problems(HEAD + "[scripts]\ndata = '''" + "x" * 70_000 + "'''\n")
    assert sentence == "line 8, scripts.data: is too long: 68 kB; at most 64 kB are allowed."


def test_scripts_that_are_too_much_for_all_members_together_are_refused() -> None:
    scripts = "".join(f"{phase} = '''{'x' * 50_000}'''\n" for phase in ("hosts", "data"))
    [sentence] = problems(HEAD + COMPUTE.replace("2", "60") + "[scripts]\n" + scripts)
    assert sentence.startswith("line 12, scripts: the scripts and data of all members come to 59")


def test_all_problems_come_at_once_in_the_order_of_their_lines() -> None:
    text = 'hours = 99\n[[members]]\nname = "head"\ncore_type = "onyx"\ncores = 3\n[policy]\non_error = 1\n'
    places = [sentence.split(":")[0] for sentence in problems(text)]
    assert places == ["name", "line 1, hours", "line 5, members[0].cores", "line 7, policy.on_error"]


def test_a_flood_of_problems_is_cut_with_a_word() -> None:
    found = problems(HEAD + "".join(f"key{number} = 1\n" for number in range(1000)))
    assert len(found) == 101
    assert found[-1] == "There are 900 more problems; the first are listed."


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"k{number} = 1\n" for number in range(20_000)),
        HEAD + f"requires = {[f'r{number}' for number in range(20_000)]}\n",
    ],
    ids=["keys", "roles"],
)
def test_garbage_as_long_as_may_be_is_not_put_in_words_to_its_end(text: str) -> None:
    assert problems(text)[-1] == "There are at least 1900 more problems; the first are listed."
