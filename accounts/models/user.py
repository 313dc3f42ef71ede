"""User accounts, and the limit to one user where no sandbox separates them."""

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager

from accounts.models.single_user_mode import SingleUserMode
from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused
from accounts.signals import adding_another_user


class SingleUserManager(UserManager["User"]):
    """Create users; without a sandbox that separates them, one only. Raises Refused (`single_person`) for a second."""

    use_in_migrations = False

    def _create_user_object(
        self, username: str, email: str | None, password: str | None, **extra_fields: Any
    ) -> "User":
        if self.is_limited_to_one():
            raise Refused(
                RefusalReason.SINGLE_PERSON,
                "No second user can be added: this machine has no sandbox, so users could reach each other's "
                "clusters. Install bubblewrap and start Headnode again.",
                status=409,
            )
        user: User = super()._create_user_object(  # type: ignore[misc]  # the stubs do not know it
            username, email, password, **extra_fields
        )
        return user

    def ask_whether_limited(self) -> None:
        """Have whoever knows remember whether there may be another user. Writes: call it outside a transaction."""
        if self.exists():
            adding_another_user.send(sender=self.model)

    def is_limited_to_one(self) -> bool:
        """Return whether there is a user and may be no other, as far as is remembered."""
        return self.exists() and SingleUserMode.is_on()


class User(AbstractUser):
    """A user account."""

    # Not saved: whoever is signed in by a token without the scope `admin` is no administrator in that request.
    without_administration = False
    # Not saved: whoever is signed in by the key of a job sees this one and its files, and no others.
    only_job = ""

    objects: ClassVar[SingleUserManager] = SingleUserManager()

    @classmethod
    def too_many_here(cls: type[Self]) -> bool:
        """Return whether more users are active than a portal without a sandbox may serve."""
        return SingleUserMode.is_on() and cls.objects.filter(is_active=True).count() > 1
