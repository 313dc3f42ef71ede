"""Make the certificate authorities in the database of a portal that has run but has not needed them yet.

`migrate` makes them anyway when it ends; the embedded portal only runs `migrate` when there is a new migration.
"""

from typing import Any

from django.db import migrations

from sshgateway.certificates.authorities import ensure_authorities


def make_missing(apps: Any, schema_editor: Any) -> None:
    ensure_authorities(apps.get_model("sshgateway", "AuthorityKey"), schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("sshgateway", "0005_recording_and_sharing")]

    operations = [migrations.RunPython(make_missing, migrations.RunPython.noop, elidable=True)]
