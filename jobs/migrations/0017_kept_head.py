from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0016_file_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="kept_at",
            field=models.DateTimeField(
                blank=True,
                null=True,
                help_text="Since when its head node is kept for its owner after the command.",
            ),
        ),
    ]
