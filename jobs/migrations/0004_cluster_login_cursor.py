"""How far the logins that a cluster's nodes tell of have been read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_host_trust")]

    operations = [
        migrations.AddField(
            "cluster",
            "login_cursor",
            models.BigIntegerField(default=0, help_text="Sequence of the newest login the nodes told of."),
        ),
    ]
