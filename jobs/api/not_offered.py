"""Keys of Rescale's bodies that this portal has nothing for: refused by name, unless they say nothing.

A program that sends back what it was answered sends these keys with the values that mean nothing (null, false, empty):
they pass. Anything else would be dropped in silence, and is refused instead.
"""

from typing import Any

from rest_framework.exceptions import ValidationError

# key: (values that mean nothing beside null, false and the empty forms; the sentence)
_OF_JOB: dict[str, tuple[tuple[Any, ...], str]] = {
    "resourceFilters": ((), "Resource filters are not offered here: name a core type."),
    "caseFile": ((), "Case files are not offered here: attach the file to an analysis as an input file."),
    "paramFile": ((), "Designs of experiments are not offered here yet."),
    "jobvariables": ((), "Designs of experiments are not offered here yet."),
    "includeNominalRun": ((), "Designs of experiments are not offered here yet."),
    "isTemplateDryRun": ((), "Dry runs of templates are not offered here."),
    "isTemplate": ((), "Job templates are not offered here: clone a job instead."),
    "monteCarloIterations": ((0,), "Monte Carlo runs are not offered here."),
    "optimizer": ((), "Optimizers are not offered here."),
    "remoteVizConfig": ((), "Remote desktops are not offered here."),
    "launchConfig": ((), "Launch configurations are not offered here."),
    "folderId": ((), "Folders are not offered here: use tags."),
    "osCostTier": (("linux", "LINUX"), "Only Linux is offered here."),
    "isPinned": ((), "Jobs cannot be pinned here: use tags."),
    "expectedRuns": ((1,), "A job has one run here."),
    "apiKey": ((), "A job's API key is made by the portal; it cannot be chosen."),
}
_OF_ANALYSIS: dict[str, tuple[tuple[Any, ...], str]] = {
    "templateTasks": ((), "Template tasks are not offered here yet."),
}
NOTHING: tuple[Any, ...] = (None, False, "", [], {})
# Made by the portal; a body may repeat them, as programs do that send back a whole job, and they change nothing.
READ_ONLY = (
    "id",
    "owner",
    "ownerId",
    "dateInserted",
    "sshPort",
    "elapsedWalltimeSeconds",
    "currentUserHasFullAccess",
    "jobUsername",
    "clonedFrom",
    "sharedWith",
    "suspendAvailable",
)


def refuse_what_is_not_offered(data: Any, *, of_analysis: bool = False) -> None:
    """Raise ValidationError with a sentence for each key that would have no effect. The code is `not_offered`."""
    if not isinstance(data, dict):
        return
    found = {
        key: [sentence]
        for key, (harmless, sentence) in (_OF_ANALYSIS if of_analysis else _OF_JOB).items()
        if key in data and not _says_nothing(data[key], harmless)
    }
    if found:
        raise ValidationError(found, code="not_offered")


def _says_nothing(value: Any, harmless: tuple[Any, ...]) -> bool:
    # `0 == False`: the types are compared, too.
    return any(type(value) is type(other) and value == other for other in (*NOTHING, *harmless))
