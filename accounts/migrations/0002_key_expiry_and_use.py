"""Keys that expire, rest or tell where they were used; rules that expire; whose things an audit event is about."""

from django.conf import settings
from django.db import migrations, models
from django.db.models import OuterRef, Subquery
import django.db.models.deletion


def name_owners(apps, schema_editor):
    event = apps.get_model("accounts", "AuditEvent")
    user = apps.get_model("accounts", "User")
    owner = user.objects.filter(username=OuterRef("owner_name")).values("pk")[:1]
    event.objects.exclude(owner_name="").update(owner=Subquery(owner))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            "sshkey",
            "disabled_at",
            models.DateTimeField(blank=True, help_text="Kept, but it opens nothing.", null=True),
        ),
        migrations.AddField(
            "sshkey",
            "reminded_at",
            models.DateTimeField(
                blank=True, help_text="When its owner was told that it is about to expire.", null=True
            ),
        ),
        migrations.AddField(
            "sshkey",
            "last_used_job",
            models.CharField(
                blank=True, default="", help_text="Id of the job whose node it opened.", max_length=40
            ),
            preserve_default=False,
        ),
        migrations.AddField("accessrule", "expires_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "auditevent",
            "owner",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="audit_events_about",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(name_owners, migrations.RunPython.noop, elidable=True),
    ]
