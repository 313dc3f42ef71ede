"""The rows of jobs: one file per idea."""

from jobs.models.activity import ActivitySource, NodeActivity
from jobs.models.analysis import Analysis, AnalysisVersion
from jobs.models.boot_line import BootLine
from jobs.models.budget import Budget, BudgetStep
from jobs.models.charge import Charge
from jobs.models.cluster import Cluster, ClusterStatus
from jobs.models.cluster_count import ClusterCount
from jobs.models.cluster_definition import ClusterDefinition
from jobs.models.core_type import CoreType
from jobs.models.job import AnalysisFields, FollowingAnalysis, Job, JobStatus
from jobs.models.job_event import JobEvent
from jobs.models.job_input import JobInput
from jobs.models.machine import Machine
from jobs.models.node import Node
from jobs.models.orphan import OrphanCluster, OrphanSearch, PortalId
from jobs.models.price import Price, RateCard
from jobs.models.stored_file import StoredFile
from jobs.models.upload import Upload

__all__ = [
    "ActivitySource",
    "Analysis",
    "AnalysisFields",
    "AnalysisVersion",
    "BootLine",
    "Budget",
    "BudgetStep",
    "Charge",
    "Cluster",
    "ClusterCount",
    "ClusterDefinition",
    "ClusterStatus",
    "CoreType",
    "FollowingAnalysis",
    "Job",
    "JobEvent",
    "JobInput",
    "JobStatus",
    "Machine",
    "Node",
    "NodeActivity",
    "OrphanCluster",
    "OrphanSearch",
    "PortalId",
    "Price",
    "RateCard",
    "StoredFile",
    "Upload",
]
