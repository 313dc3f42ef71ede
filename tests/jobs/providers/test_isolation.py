"""Whether nodes keep users apart is asked of the provider and remembered: without a sandbox, nobody else comes in."""

import pytest

from accounts.audit.trail import SYSTEM
from accounts.models import SingleUserMode, User
from accounts.refusals import Refused
from accounts.users import user_accounts
from jobs.providers import isolation, registry
from jobs.providers.base import ProviderBusy
from jobs.providers.simulated import SimulatedProvider
from jobs.submission import job_actions
from tests.jobs.making import actor, saved_job
from tests.jobs.simulator.simulator_process import Simulator

pytestmark = pytest.mark.django_db


class CloudWithOrWithout:
    """Says what it was told to say about keeping users apart."""

    apart: bool | None = True

    def keeps_users_apart(self) -> bool:
        if self.apart is None:
            raise ProviderBusy("provider_unreachable", "It does not answer.")
        return self.apart


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> CloudWithOrWithout:
    made = CloudWithOrWithout()
    monkeypatch.setattr(registry, "provider_named", lambda name: made)
    return made


def test_what_it_says_is_remembered_while_it_does_not_answer(cloud: CloudWithOrWithout) -> None:
    for apart, remembered in ((True, False), (False, True), (None, True), (True, False), (None, False)):
        cloud.apart = apart
        isolation.remember_isolation()
        assert SingleUserMode.is_on() is remembered, apart


def test_with_several_users_nobody_gets_a_cluster(alice: User, bob: User, cloud: CloudWithOrWithout) -> None:
    job = saved_job(alice)
    cloud.apart = False
    isolation.remember_isolation()
    with pytest.raises(Refused) as caught:
        job_actions.submit_job(actor(alice), job)
    assert (caught.value.reason, caught.value.status) == ("single_person", 409)
    User.objects.exclude(pk=alice.pk).update(is_active=False)
    assert job_actions.submit_job(actor(alice), job).submitted_at is not None


def test_a_second_user_is_refused_by_the_answer_of_now(alice: User, cloud: CloudWithOrWithout) -> None:
    cloud.apart = False
    with pytest.raises(Refused, match="no sandbox"):
        user_accounts.add_user(SYSTEM, "dora", "", "correct horse battery")


def test_the_simulator_with_a_sandbox_keeps_users_apart(simulator: Simulator) -> None:
    provider = SimulatedProvider(f"unix:{simulator.folder}/s.sock", str(simulator.folder / "token"))
    assert provider.keeps_users_apart()
    provider.close()
