"""The catalogue that the migrations bring: a transactional test's flush takes it along."""

from importlib import import_module

from django.apps import apps

from jobs.models import Analysis, CoreType


def make_sure() -> None:
    """Put it back if it is gone."""
    if not CoreType.objects.exists():
        import_module("jobs.migrations.0002_core_types").seed(apps, None)
    if not Analysis.objects.exists():
        import_module("jobs.migrations.0019_shipped_catalogue").seed(apps, None)


def make_sure_of_analyses() -> None:
    """Put only the software back, for tests with core types of their own."""
    if not Analysis.objects.exists():
        import_module("jobs.migrations.0019_shipped_catalogue").seed_analyses(apps)
