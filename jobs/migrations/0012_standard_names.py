"""Rename models and attributes to standard terms. Tables, columns and constraints stay as they are."""

import jobs.models.orphan
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0011_deadlines_and_leftovers"),
    ]

    operations = [
        migrations.AlterModelTable(name="leftover", table="jobs_leftover"),
        migrations.RenameModel(old_name="Leftover", new_name="OrphanCluster"),
        migrations.AlterModelTable(name="portalmark", table="jobs_portalmark"),
        migrations.RenameModel(old_name="PortalMark", new_name="PortalId"),
        migrations.AlterField(
            model_name="portalid",
            name="mark",
            field=models.CharField(db_column="mark", default=jobs.models.orphan.new_portal_id, max_length=64),
        ),
        migrations.RenameField(model_name="portalid", old_name="mark", new_name="value"),
        migrations.AlterField(
            model_name="cluster",
            name="admitted",
            field=models.CharField(
                blank=True,
                db_column="admitted",
                help_text="Digest of the access document last pushed to its nodes.",
                max_length=64,
            ),
        ),
        migrations.RenameField(model_name="cluster", old_name="admitted", new_name="access_pushed"),
        migrations.AlterField(
            model_name="cluster",
            name="admission_version",
            field=models.PositiveIntegerField(
                db_column="admission_version",
                default=0,
                help_text="Version of the newest access document. Each version is used once.",
            ),
        ),
        migrations.RenameField(model_name="cluster", old_name="admission_version", new_name="access_version"),
    ]
