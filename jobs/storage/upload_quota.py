"""How much a person's uploaded files may hold together (HEADNODE_UPLOAD_QUOTA_MB), and how much they do.

Output files of jobs do not count: HEADNODE_MAX_OUTPUT_GB limits those.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum

from accounts.models import User
from accounts.refusals import Refused
from jobs.models import StoredFile, Upload
from jobs.storage.refusal_reasons import FileRefusal

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class UploadUse:
    """Bytes that a person's uploaded files hold, and may hold."""

    used: int
    quota: int

    @property
    def room(self) -> int:
        """Return how many bytes more may be uploaded."""
        return max(0, self.quota - self.used)


def use_of(user: User) -> UploadUse:
    """Return what the user's uploaded files hold, and those that are being uploaded will."""
    files = StoredFile.objects.filter(owner=user).exclude(type_id=StoredFile.Type.OUTPUT)
    used = files.aggregate(total=Sum("size"))["total"] or 0
    # What has been announced has its room already, so that no upload is refused in its middle.
    unfinished = Upload.objects.filter(owner=user, completed_at=None, is_expired=False)
    used += unfinished.aggregate(total=Sum("length"))["total"] or 0
    return UploadUse(used, settings.HEADNODE_UPLOAD_QUOTA_MB * MEGABYTE)


def check_room(owner: User, size: int) -> None:
    """Raise Refused (`upload_quota_exceeded`, 413) if a file of this size is too much.

    Call it in the transaction that saves the file: it locks the owner's row, so that two uploads at once count each
    other.
    """
    User.objects.select_for_update().get(pk=owner.pk)
    use = use_of(owner)
    if size > use.room:
        raise Refused(FileRefusal.QUOTA_EXCEEDED, quota_sentence(use.room), status=413)


def quota_sentence(room: int) -> str:
    """Return what to say to somebody whose upload is larger than the room they have left."""
    return (
        f"Your uploaded files may hold {settings.HEADNODE_UPLOAD_QUOTA_MB} MB together, and "
        f"{room / MEGABYTE:.1f} MB of that are left. Delete files that you do not need any more."
    )
