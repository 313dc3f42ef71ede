from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0015_charges"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedfile",
            name="is_escaped",
            field=models.BooleanField(
                default=False,
                help_text="Name and path are percent-escaped, because their bytes are not UTF-8 (jobs.storage.file_names).",
            ),
        ),
        migrations.AlterField(
            model_name="storedfile",
            name="name",
            field=models.CharField(max_length=1000),
        ),
    ]
