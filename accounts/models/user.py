"""User accounts, and the limit to one user where no sandbox separates them."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager

from accounts.refusal_reasons import RefusalReason
from accounts.refusals import Refused


class SingleUserManager(UserManager["User"]):
    """Create users; without a sandbox that separates them, one only. Raises Refused (`single_person`) for a second."""

    use_in_migrations = False

    def _create_user_object(
        self, username: str, email: str | None, password: str | None, **extra_fields: Any
    ) -> "User":
        if settings.HEADNODE_SINGLE_PERSON and self.exists():
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


class User(AbstractUser):
    """A user account."""

    objects: ClassVar[SingleUserManager] = SingleUserManager()

    @classmethod
    def too_many_here(cls: type[Self]) -> bool:
        """Return whether more users are active than a portal without a sandbox may serve."""
        return settings.HEADNODE_SINGLE_PERSON and cls.objects.filter(is_active=True).count() > 1
