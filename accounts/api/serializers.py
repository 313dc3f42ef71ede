"""Serializers of a user's own objects."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.keys import validity
from accounts.models import AccessRule, AuditEvent, SSHKey, User
from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer
from accounts.services import projects

# The field is called `standing` in JSON, which clients know; in the code it is the validity.
VALIDITY_HELP = "active: grants access. disabled, expired, not_allowed (by your administrator): does not."
VALIDITIES = [member.value for member in validity.Validity]


class SSHKeySerializer(CamelModelSerializer):
    """A saved public key."""

    standing = serializers.SerializerMethodField(help_text=VALIDITY_HELP)

    class Meta:
        model = SSHKey
        fields = [
            "id",
            "name",
            "public_key",
            "type",
            "bits",
            "fingerprint",
            "added_at",
            "expires_at",
            "disabled_at",
            "standing",
            "last_used_at",
            "last_used_from",
            "last_used_job",
        ]

    @extend_schema_field(serializers.ChoiceField(VALIDITIES))
    def get_standing(self, key: SSHKey) -> str:
        return validity.key_validity(key).value


class NewSSHKeySerializer(CamelSerializer):
    """A public key to save."""

    name = serializers.CharField(required=False, allow_blank=True, default="")
    # The parser reports what is wrong with it, also when it is empty or far too long.
    public_key = serializers.CharField(allow_blank=True, trim_whitespace=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class SSHKeyPatchSerializer(CamelSerializer):
    """Changes to a saved key. Fields that are left out keep their values."""

    name = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never.")
    disabled = serializers.BooleanField(
        required=False, help_text="A disabled key is kept but grants no access."
    )


class AccessRuleSerializer(CamelModelSerializer):
    """A block of addresses that may connect."""

    standing = serializers.SerializerMethodField(help_text=VALIDITY_HELP)

    class Meta:
        model = AccessRule
        fields = ["id", "cidr", "note", "added_at", "expires_at", "standing"]

    @extend_schema_field(serializers.ChoiceField(VALIDITIES))
    def get_standing(self, rule: AccessRule) -> str:
        return validity.rule_validity(rule).value


class NewAccessRuleSerializer(CamelSerializer):
    """A rule to save."""

    cidr = serializers.CharField(allow_blank=True)
    note = serializers.CharField(required=False, allow_blank=True, default="")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class AccessRulePatchSerializer(CamelSerializer):
    """Changes to a saved rule. Fields that are left out keep their values."""

    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never.")


class SavedAccessRuleSerializer(AccessRuleSerializer):
    """A rule just saved. `notice` says how the text was normalised; null if it was not."""

    notice = serializers.CharField(allow_null=True)

    class Meta(AccessRuleSerializer.Meta):
        fields = [*AccessRuleSerializer.Meta.fields, "notice"]


class JobSettingsSerializer(CamelSerializer):
    """The job settings, and whether the caller could connect now from their address."""

    auto_terminate_cluster = serializers.BooleanField()
    ssh_access = serializers.BooleanField()
    current_address = serializers.CharField()
    current_address_allowed = serializers.BooleanField()


class JobSettingsPatchSerializer(CamelSerializer):
    """Changes to the job settings. Fields that are left out keep their values."""

    auto_terminate_cluster = serializers.BooleanField(required=False)
    ssh_access = serializers.BooleanField(required=False)


class CredentialsSerializer(CamelSerializer):
    """A user name and password."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(trim_whitespace=False, max_length=4096)


class TokenSerializer(CamelSerializer):
    """A token with all rights of the user. It cannot be read again."""

    token = serializers.CharField()


class ProjectSerializer(CamelSerializer):
    """A project that jobs can belong to."""

    id = serializers.CharField()
    name = serializers.CharField()


class CompanySerializer(CamelSerializer):
    """The company that the portal belongs to."""

    code = serializers.CharField()
    name = serializers.CharField()
    projects = ProjectSerializer(many=True)


class WorkspaceSerializer(CamelSerializer):
    """The workspace. A portal has one."""

    id = serializers.CharField()
    name = serializers.CharField()


class PersonSerializer(CamelModelSerializer):
    """The signed-in user."""

    full_name = serializers.CharField(source="get_full_name")
    company = serializers.SerializerMethodField()
    workspace = serializers.SerializerMethodField()
    max_job_hours = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "email",
            "first_name",
            "last_name",
            "full_name",
            "company",
            "workspace",
            "max_job_hours",
        ]

    @extend_schema_field(CompanySerializer)
    def get_company(self, user: User) -> dict[str, object]:
        name = self.context["portal_name"]
        found = [{"id": project.pk, "name": project.name} for project in projects.projects_of(user)]
        return {"code": name, "name": name, "projects": found}

    @extend_schema_field(WorkspaceSerializer)
    def get_workspace(self, user: User) -> dict[str, str]:
        name = self.context["portal_name"]
        return {"id": name, "name": name}

    def get_max_job_hours(self, user: User) -> int:
        return int(self.context["max_job_hours"])


class PingSerializer(CamelSerializer):
    """A sign of life."""

    status = serializers.CharField()


class AuditEventSerializer(CamelModelSerializer):
    """A recorded action: who did what to whose object, from where, with the values before and after."""

    actor = serializers.CharField(source="actor_name")
    owner = serializers.CharField(source="owner_name")
    before = serializers.DictField()
    after = serializers.DictField()

    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "at",
            "actor",
            "owner",
            "action",
            "object_type",
            "object_id",
            "source_address",
            "via",
            "before",
            "after",
        ]
