"""Projects: what jobs are done for, and who works on it."""

import secrets
import string

from django.conf import settings
from django.db import models
from django.utils import timezone


def new_project_id() -> str:
    """Return eight random letters."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(8))


class Project(models.Model):
    """What jobs can belong to. A closed one takes no new jobs; its costs stay in the reports."""

    id = models.CharField(primary_key=True, max_length=40, default=new_project_id, editable=False)
    name = models.CharField(max_length=80, unique=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="ProjectMembership", related_name="projects"
    )
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ProjectMembership(models.Model):
    """Someone who works on a project. Their default one is taken for jobs that name none."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_memberships"
    )
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["project__name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="one_membership_per_person"),
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(is_default=True), name="one_default_project_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.project}"


class ProjectPolicy(models.Model):
    """Whether every job needs a project. One row; without it none does."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    is_required = models.BooleanField(default=False)

    def __str__(self) -> str:
        return "every job needs a project" if self.is_required else "jobs need no project"
