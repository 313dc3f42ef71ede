from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0022_jobs_alike"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="cluster",
            index=models.Index(
                condition=models.Q(("next_check_at__isnull", False)),
                fields=["owner"],
                name="live_clusters_by_owner",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["owner", "outcome", "-created_at", "-id", "submitted_at"], name="jobs_by_outcome"
            ),
        ),
    ]
