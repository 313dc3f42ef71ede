"""Handles for every cluster, also those that are there already: numbered for each person, the oldest first."""

from collections import Counter

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def number(apps, schema_editor):
    counted = Counter()
    for cluster in (
        apps.get_model("jobs", "Cluster").objects.select_related("job").order_by("created_at", "pk")
    ):
        owner = cluster.job.owner_id
        counted[owner] += 1
        cluster.owner_id = owner
        cluster.handle = f"cluster-{counted[owner]:03d}"
        cluster.save(update_fields=["owner", "handle"])
    count = apps.get_model("jobs", "ClusterCount")
    count.objects.bulk_create(count(owner_id=owner, last=last) for owner, last in counted.items())
    if schema_editor.connection.vendor == "postgresql":
        # It alters no table for which foreign keys are still to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0008_machines"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClusterCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last", models.PositiveIntegerField(default=0)),
                (
                    "owner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cluster_count",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClusterDefinition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                (
                    "cluster",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="definition",
                        to="jobs.cluster",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="cluster",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="clusters",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="cluster", name="handle", field=models.CharField(max_length=24, default="")
        ),
        migrations.RunPython(number, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="cluster",
            name="owner",
            field=models.ForeignKey(
                help_text="The job's, here once more so that the database keeps handles apart.",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="clusters",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="cluster",
            name="handle",
            field=models.CharField(
                help_text="cluster-001: what its owner calls it by (jobs.events.handles).", max_length=24
            ),
        ),
        migrations.AddConstraint(
            model_name="cluster",
            constraint=models.UniqueConstraint(
                fields=("owner", "handle"), name="one_cluster_per_handle_of_a_person"
            ),
        ),
    ]
