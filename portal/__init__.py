"""Composition: settings, routes, processes. Everything may be imported here; nobody imports portal."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
