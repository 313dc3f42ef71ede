from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_core_types"),
    ]

    operations = [
        migrations.AddField(
            model_name="node",
            name="certified_by",
            field=models.CharField(
                blank=True,
                help_text="Fingerprint of the authority's key that signed them.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="node",
            name="certified_until",
            field=models.DateTimeField(
                blank=True,
                help_text="Until when the host certificates it was given last are good.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="node",
            name="host_key_alarm_at",
            field=models.DateTimeField(
                blank=True, help_text="When it showed another host key than it reported.", null=True
            ),
        ),
        migrations.AddField(
            model_name="node",
            name="host_key_shown",
            field=models.CharField(
                blank=True,
                help_text="Fingerprint of that key; empty when none of a pinned type.",
                max_length=64,
            ),
        ),
    ]
