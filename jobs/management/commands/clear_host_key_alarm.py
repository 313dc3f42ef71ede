"""`manage.py clear_host_key_alarm JOB NODE`: let the portal connect to a node again. See docs/host-trust.md."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.trail import SYSTEM
from jobs.access import host_key_alarm
from jobs.models import Node


class Command(BaseCommand):
    """Clear the host key alarm of a node."""

    help = "Clear the host key alarm of a node, after you know why it showed another host key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the job and the node."""
        parser.add_argument("job", help="the job's id")
        parser.add_argument("node", nargs="?", default="head", help="head (the default), compute-1...")

    def handle(self, *args: Any, **options: Any) -> None:
        """Clear the alarm and print whether there was one. Raises CommandError for an unknown node."""
        nodes = Node.objects.select_related("cluster__job__owner")
        node = nodes.filter(cluster__job_id=options["job"], name=options["node"]).first()
        if node is None:
            raise CommandError(f"Job {options['job']} has no node {options['node']}.")
        cleared = host_key_alarm.clear_host_key_alarm(SYSTEM, node)
        self.stdout.write("The alarm is cleared." if cleared else "There was no alarm.")
