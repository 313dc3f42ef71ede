"""The steps of a job on its head node: of each analysis its pre-processing, command and post-processing."""

from collections.abc import Mapping, Sequence

from jobs.access import job_keys
from jobs.catalogue import choice
from jobs.models import AnalysisFields, Job
from jobs.remote.command_runner import Step, StepKind

# Where the common MPI launchers look for the nodes when the command names none.
_MPI_HOST_FILES = (
    "OMPI_MCA_orte_default_hostfile",  # Open MPI 4
    "PRTE_MCA_prte_default_hostfile",  # Open MPI 5
    "HYDRA_HOST_FILE",  # MPICH
    "I_MPI_HYDRA_HOST_FILE",  # Intel MPI
)
_MPI_CHECK = "command -v mpirun >/dev/null || echo 'useMpi is set, but there is no mpirun on this node.'\n"


def steps_of(job: Job, environment: Mapping[str, str], api: Mapping[str, str]) -> list[Step]:
    """Return every step in order. `environment` is that of the cluster; each analysis adds its own.

    `api` has the job's key and where it is good, for analyses that name neither themselves.
    """
    return [
        step
        for position, analysis in enumerate(job.analyses)
        for step in _steps_of_analysis(position, analysis, environment, api, job.home)
    ]


def _steps_of_analysis(
    position: int,
    analysis: AnalysisFields,
    environment: Mapping[str, str],
    api: Mapping[str, str],
    home: str,
) -> Sequence[Step]:
    before = choice.environment_script(analysis.analysis_code, analysis.analysis_version)
    mpi: dict[str, str] = {}
    if analysis.use_mpi:
        mpi = dict.fromkeys(_MPI_HOST_FILES, f"{home}/machinefile")
        before = "\n".join(text for text in (before, _MPI_CHECK) if text)
    env = job_keys.with_variables({**environment, **mpi, **analysis.env_vars}, api)
    commands = (
        (StepKind.BEFORE, analysis.pre_process_command),
        (StepKind.COMMAND, analysis.command),
        (StepKind.AFTER, analysis.post_process_command),
    )
    return [Step(position, kind, command, before, env) for kind, command in commands if command]
