"""The core types that the migrations bring: a transactional test's flush takes them along."""

from importlib import import_module

from django.apps import apps

from jobs.models import CoreType


def make_sure() -> None:
    """Put them back if they are gone."""
    if not CoreType.objects.exists():
        import_module("jobs.migrations.0002_core_types").seed(apps, None)
