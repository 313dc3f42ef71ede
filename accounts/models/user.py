"""A person."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager

from accounts.refusals import Refused


class PersonManager(UserManager["User"]):
    """Makes people, and not a second one where nothing would keep two apart."""

    use_in_migrations = False

    def _create_user_object(
        self, username: str, email: str | None, password: str | None, **extra_fields: Any
    ) -> "User":
        if settings.HEADNODE_SINGLE_PERSON and self.exists():
            raise Refused(
                "single_person",
                "No second person can be added: this machine has no sandbox, so nothing would keep one person's "
                "cluster from another's. Install bubblewrap and start Headnode again.",
                status=409,
            )
        made: User = super()._create_user_object(  # type: ignore[misc]  # the stubs do not know it
            username, email, password, **extra_fields
        )
        return made


class User(AbstractUser):
    """A person who signs in. Our own model from the first migration, so that it can grow."""

    objects: ClassVar[PersonManager] = PersonManager()

    @classmethod
    def too_many_here(cls: type[Self]) -> bool:
        """Whether more people have accounts than this machine may serve."""
        return settings.HEADNODE_SINGLE_PERSON and cls.objects.filter(is_active=True).count() > 1
