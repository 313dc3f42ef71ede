"""Factories of rows, as the portal's functions would have left them. Keys are real; no address leads anywhere."""

import hashlib
import secrets
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.files.base import ContentFile
from django.db.models import Model
from django.utils import timezone
from factory.declarations import (
    LazyAttribute,
    LazyFunction,
    PostGeneration,
    SelfAttribute,
    Sequence,
    SubFactory,
)
from factory.django import DjangoModelFactory, Password

from accounts.keys import public_keys
from accounts.models import AccessRule, APIToken, SSHKey, User
from jobs.events import handles
from jobs.models import (
    Budget,
    Cluster,
    ClusterStatus,
    CoreType,
    Job,
    JobEvent,
    JobStatus,
    Machine,
    Node,
    StoredFile,
    Upload,
)
from jobs.states import Desired, Observed
from sshgateway.models import TerminalSession
from tests.jobs import cluster_rows

PASSWORD = "correct horse battery"
NOT_DUE = timedelta(days=365)
Row = TypeVar("Row", bound=Model)


class Factory(DjangoModelFactory[Row]):
    """A factory whose call is typed as what it returns: `JobFactory()` saves and returns a Job."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        # factory_boy's metaclass returns a row from the call; its annotations do not say so.
        def __new__(cls, **fields: Any) -> Row: ...  # type: ignore[misc]  # not an instance of the class


def public_key(comment: str = "") -> str:
    """Return a new Ed25519 public key as an OpenSSH line."""
    key = Ed25519PrivateKey.generate().public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{line} {comment}".rstrip()


class UserFactory(Factory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"person{n}")
    email = LazyAttribute(lambda user: f"{user.username}@example.org")
    password = Password(PASSWORD)


class SSHKeyFactory(Factory[SSHKey]):
    class Meta:
        model = SSHKey

    owner = SubFactory(UserFactory)
    name = Sequence(lambda n: f"key {n}")
    public_key = LazyFunction(lambda: public_key("test"))
    type = "ssh-ed25519"
    bits = 256
    fingerprint = LazyAttribute(lambda key: public_keys.parse(key.public_key).fingerprint)


class AccessRuleFactory(Factory[AccessRule]):
    class Meta:
        model = AccessRule

    owner = SubFactory(UserFactory)
    cidr = Sequence(lambda n: f"10.0.{n % 256}.0/24")
    note = ""


class APITokenFactory(Factory[APIToken]):
    """Its secret is in `secret`, on this object only."""

    class Meta:
        model = APIToken

    class Params:
        secret = LazyFunction(lambda: "hn_" + secrets.token_urlsafe(32))

    owner = SubFactory(UserFactory)
    name = "test"
    digest = LazyAttribute(lambda token: hashlib.sha256(token.secret.encode()).hexdigest())
    prefix = LazyAttribute(lambda token: token.secret[:8])


def token_of(user: User) -> str:
    """Return the secret of a new token of this person."""
    secret = "hn_" + secrets.token_urlsafe(32)
    APITokenFactory.create(owner=user, secret=secret)
    return secret


def _submit(job: Job, create: bool, submitted: bool | None, **options: Any) -> None:
    if submitted:
        job.submitted_at = timezone.now()
        job.save(update_fields=["submitted_at"])
        JobStatusFactory.create(job=job, status="Pending")


class JobFactory(Factory[Job]):
    """A saved job. With `submitted=True` it has its Pending row, but no cluster: see ClusterFactory."""

    class Meta:
        model = Job
        skip_postgeneration_save = True

    owner = SubFactory(UserFactory)
    name = Sequence(lambda n: f"job {n}")
    command = "echo hello"
    core_type = LazyFunction(lambda: CoreType.objects.get(code="emerald"))
    cores_per_slot = 1
    slots = 1
    walltime = timedelta(hours=1)

    submitted = PostGeneration(_submit)


class JobStatusFactory(Factory[JobStatus]):
    class Meta:
        model = JobStatus

    job = SubFactory(JobFactory)
    status = "Pending"


def _next_sequence(job: Job) -> int:
    job.last_sequence += 1
    job.save(update_fields=["last_sequence"])
    return job.last_sequence


class JobEventFactory(Factory[JobEvent]):
    """Advances the job's counter, as `jobs.events.job_log` does."""

    class Meta:
        model = JobEvent

    job = SubFactory(JobFactory)
    source = "portal"
    message = Sequence(lambda n: f"line {n}")
    sequence = LazyAttribute(lambda event: _next_sequence(event.job))


class ClusterFactory(Factory[Cluster]):
    """The cluster of a submitted job, as the loop leaves it in this state. It is not due for a long time."""

    class Meta:
        model = Cluster

    job = SubFactory(JobFactory, submitted=True)
    owner = SelfAttribute("job.owner")
    handle = LazyAttribute(lambda cluster: handles.next_handle(cluster.owner))
    desired_state = Desired.RUNNING
    observed_state = Observed.EXECUTING
    next_check_at = LazyAttribute(
        lambda cluster: None if cluster.observed_state == Observed.RELEASED else timezone.now() + NOT_DUE
    )

    @classmethod
    def _create(cls, model_class: type[Cluster], *args: Any, **fields: Any) -> Cluster:
        stamps = cluster_rows.stamps_until(Observed(fields["observed_state"]), timezone.now())
        cluster: Cluster = super()._create(model_class, *args, **{**stamps, **fields})  # type: ignore[no-untyped-call]  # of factory_boy
        cluster_rows.complete(cluster, given=set(fields))
        return cluster


class ClusterStatusFactory(Factory[ClusterStatus]):
    class Meta:
        model = ClusterStatus

    cluster = SubFactory(ClusterFactory)
    status = "Started"


class NodeFactory(Factory[Node]):
    """A node that is up. Nobody has the private half of its host key."""

    class Meta:
        model = Node

    cluster = SubFactory(ClusterFactory)
    name = "head"
    role = LazyAttribute(lambda node: "head" if node.name == "head" else "compute")
    core_type = LazyAttribute(lambda node: node.cluster.job.core_type)
    cores = 1
    state = Node.State.RUNNING
    address = Sequence(lambda n: f"127.20.{n // 250 % 250}.{n % 250 + 1}")
    private_address = SelfAttribute("address")
    port = 32100
    hostname = LazyAttribute(lambda node: "ip-" + node.address.replace(".", "-"))
    host_keys = LazyFunction(lambda: [public_key()])
    token_digest = LazyFunction(lambda: secrets.token_hex(32))
    registered_at = LazyFunction(timezone.now)
    verified_at = LazyFunction(timezone.now)


class StoredFileFactory(Factory[StoredFile]):
    """An uploaded input; with a `job`, one of its outputs. `content` is its bytes."""

    class Meta:
        model = StoredFile

    class Params:
        content = b"hello\n"

    owner = SubFactory(UserFactory)
    type_id = LazyAttribute(lambda file: 5 if getattr(file, "job", None) else 1)
    name = Sequence(lambda n: f"file{n}.txt")
    relative_path = SelfAttribute("name")
    file = LazyAttribute(lambda file: ContentFile(file.content, name=file.name))
    size = LazyAttribute(lambda file: len(file.content))
    sha512 = LazyAttribute(lambda file: hashlib.sha512(file.content).hexdigest())


def _let_in(machine: Machine, create: bool, people: list[User] | None, **options: Any) -> None:
    machine.people.set(people or [])


class BudgetFactory(Factory[Budget]):
    """A monthly budget of a person's, that is not enforced."""

    class Meta:
        model = Budget

    scope = "person"
    person = SubFactory(UserFactory)
    amount = Decimal(10)
    currency = "USD"
    period = "month"


class MachineFactory(Factory[Machine]):
    """A machine that only administrators may use, and the people in `people=[...]`."""

    class Meta:
        model = Machine
        skip_postgeneration_save = True

    name = Sequence(lambda n: f"machine {n}")
    host = "login.example.org"
    username = "sim"
    host_keys = LazyFunction(lambda: [public_key()])

    people = PostGeneration(_let_in)


class UploadFactory(Factory[Upload]):
    """An upload of 10 bytes that nothing has arrived of."""

    class Meta:
        model = Upload

    owner = SubFactory(UserFactory)
    name = Sequence(lambda n: f"upload{n}.dat")
    relative_path = SelfAttribute("name")
    length = 10
    expires_at = LazyFunction(lambda: timezone.now() + timedelta(days=1))


class TerminalSessionFactory(Factory[TerminalSession]):
    class Meta:
        model = TerminalSession

    owner = SubFactory(UserFactory)
    subject = "job:Ab12cd"
    node = "head"
    label = "head of a job"
    address = "127.20.0.1"
    port = 32100
    principal = "uprod_Ab12cd"
    host_keys = LazyFunction(lambda: [public_key()])
