"""Factories of rows, as the portal's functions would have left them. Keys are real; no address leads anywhere."""

# mypy: disable-error-code="no-untyped-call,attr-defined,untyped-decorator,no-any-return"

import hashlib
import secrets
from datetime import timedelta
from typing import Any

import factory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.keys import public_keys
from accounts.models import AccessRule, APIToken, SSHKey, User
from jobs.events import handles
from jobs.models import Cluster, ClusterStatus, CoreType, Job, JobEvent, JobStatus, Machine, Node, StoredFile
from jobs.states import Desired, Observed
from sshgateway.models import TerminalSession

PASSWORD = "correct horse battery"


def public_key(comment: str = "") -> str:
    """Return a new Ed25519 public key as an OpenSSH line."""
    key = Ed25519PrivateKey.generate().public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{line} {comment}".rstrip()


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password(PASSWORD)


class SSHKeyFactory(factory.django.DjangoModelFactory[SSHKey]):
    class Meta:
        model = SSHKey

    owner = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"key {n}")
    public_key = factory.LazyFunction(lambda: public_key("test"))
    type = "ssh-ed25519"
    bits = 256
    fingerprint = factory.LazyAttribute(lambda key: public_keys.parse(key.public_key).fingerprint)


class AccessRuleFactory(factory.django.DjangoModelFactory[AccessRule]):
    class Meta:
        model = AccessRule

    owner = factory.SubFactory(UserFactory)
    cidr = factory.Sequence(lambda n: f"10.0.{n % 256}.0/24")
    note = ""


class APITokenFactory(factory.django.DjangoModelFactory[APIToken]):
    """Its secret is in `secret`, on this object only."""

    class Meta:
        model = APIToken

    class Params:
        secret = factory.LazyFunction(lambda: "hn_" + secrets.token_urlsafe(32))

    owner = factory.SubFactory(UserFactory)
    name = "test"
    digest = factory.LazyAttribute(lambda token: hashlib.sha256(token.secret.encode()).hexdigest())
    prefix = factory.LazyAttribute(lambda token: token.secret[:8])


def token_of(user: Any) -> str:
    """Return the secret of a new token of this person."""
    secret = "hn_" + secrets.token_urlsafe(32)
    APITokenFactory.create(owner=user, secret=secret)
    return secret


class JobFactory(factory.django.DjangoModelFactory[Job]):
    """A saved job. With `submitted=True` it has its Pending row, but no cluster: see ClusterFactory."""

    class Meta:
        model = Job
        skip_postgeneration_save = True

    owner = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"job {n}")
    command = "echo hello"
    core_type = factory.LazyFunction(lambda: CoreType.objects.get(code="emerald"))
    cores_per_slot = 1
    slots = 1
    walltime = timedelta(hours=1)

    @factory.post_generation
    def submitted(self: Job, create: bool, extracted: bool | None, **kwargs: Any) -> None:
        if extracted:
            self.submitted_at = timezone.now()
            self.save(update_fields=["submitted_at"])
            JobStatusFactory.create(job=self, status="Pending")


class JobStatusFactory(factory.django.DjangoModelFactory[JobStatus]):
    class Meta:
        model = JobStatus

    job = factory.SubFactory(JobFactory)
    status = "Pending"


class JobEventFactory(factory.django.DjangoModelFactory[JobEvent]):
    """Advances the job's counter, as `jobs.events.job_log` does."""

    class Meta:
        model = JobEvent

    job = factory.SubFactory(JobFactory)
    source = "portal"
    message = factory.Sequence(lambda n: f"line {n}")

    @classmethod
    def _create(cls, model_class: type[JobEvent], *args: Any, **kwargs: Any) -> JobEvent:
        job = kwargs["job"]
        job.last_sequence += 1
        job.save(update_fields=["last_sequence"])
        return super()._create(model_class, *args, **{"sequence": job.last_sequence, **kwargs})


class ClusterFactory(factory.django.DjangoModelFactory[Cluster]):
    """The cluster of a submitted job. The loop never finds it due."""

    class Meta:
        model = Cluster

    job = factory.SubFactory(JobFactory, submitted=True)
    owner = factory.SelfAttribute("job.owner")
    handle = factory.LazyAttribute(lambda cluster: handles.next_handle(cluster.owner))
    desired_state = Desired.RUNNING
    observed_state = Observed.EXECUTING
    next_check_at = None
    executing_at = factory.LazyFunction(timezone.now)


class ClusterStatusFactory(factory.django.DjangoModelFactory[ClusterStatus]):
    class Meta:
        model = ClusterStatus

    cluster = factory.SubFactory(ClusterFactory)
    status = "Started"


class NodeFactory(factory.django.DjangoModelFactory[Node]):
    """A node that is up. Nobody has the private half of its host key."""

    class Meta:
        model = Node

    cluster = factory.SubFactory(ClusterFactory)
    name = "head"
    role = factory.LazyAttribute(lambda node: "head" if node.name == "head" else "compute")
    core_type = factory.LazyAttribute(lambda node: node.cluster.job.core_type)
    cores = 1
    state = Node.State.RUNNING
    address = factory.Sequence(lambda n: f"127.20.{n // 250 % 250}.{n % 250 + 1}")
    private_address = factory.SelfAttribute("address")
    port = 32100
    hostname = factory.LazyAttribute(lambda node: "ip-" + node.address.replace(".", "-"))
    host_keys = factory.LazyFunction(lambda: [public_key()])
    token_digest = factory.LazyFunction(lambda: secrets.token_hex(32))
    registered_at = factory.LazyFunction(timezone.now)
    verified_at = factory.LazyFunction(timezone.now)


class StoredFileFactory(factory.django.DjangoModelFactory[StoredFile]):
    """An uploaded input; with a `job`, one of its outputs. `content` is its bytes."""

    class Meta:
        model = StoredFile

    class Params:
        content = b"hello\n"

    owner = factory.SubFactory(UserFactory)
    type_id = factory.LazyAttribute(lambda file: 5 if getattr(file, "job", None) else 1)
    name = factory.Sequence(lambda n: f"file{n}.txt")
    relative_path = factory.SelfAttribute("name")
    file = factory.LazyAttribute(lambda file: ContentFile(file.content, name=file.name))
    size = factory.LazyAttribute(lambda file: len(file.content))
    sha512 = factory.LazyAttribute(lambda file: hashlib.sha512(file.content).hexdigest())


class MachineFactory(factory.django.DjangoModelFactory[Machine]):
    """A machine that only administrators may use, and the people in `people=[...]`."""

    class Meta:
        model = Machine
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"machine {n}")
    host = "login.example.org"
    username = "sim"
    host_keys = factory.LazyFunction(lambda: [public_key()])

    @factory.post_generation
    def people(self: Machine, create: bool, extracted: list[User] | None, **kwargs: Any) -> None:
        self.people.set(extracted or [])


class TerminalSessionFactory(factory.django.DjangoModelFactory[TerminalSession]):
    class Meta:
        model = TerminalSession

    owner = factory.SubFactory(UserFactory)
    subject = "job:Ab12cd"
    node = "head"
    label = "head of a job"
    address = "127.20.0.1"
    port = 32100
    principal = "uprod_Ab12cd"
    host_keys = factory.LazyFunction(lambda: [public_key()])
