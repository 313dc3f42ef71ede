"""A person's own things as JSON."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.keys import validity
from accounts.models import AccessRule, AuditEvent, SSHKey, User
from accounts.rest.camel_case import CamelModelSerializer, CamelSerializer

STANDING = "active: it lets you in; disabled, expired, not_allowed (by your administrator): it does not."
STANDINGS = [worth.value for worth in validity.Validity]


class SSHKeySerializer(CamelModelSerializer):
    """A saved public key."""

    standing = serializers.SerializerMethodField(help_text=STANDING)

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

    @extend_schema_field(serializers.ChoiceField(STANDINGS))
    def get_standing(self, key: SSHKey) -> str:
        return validity.key_validity(key).value


class NewSSHKeySerializer(CamelSerializer):
    """A public key to save."""

    name = serializers.CharField(required=False, allow_blank=True, default="")
    # What is wrong with it is for the parser to say, also when it is empty or far too long.
    public_key = serializers.CharField(allow_blank=True, trim_whitespace=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class SSHKeyPatchSerializer(CamelSerializer):
    """What to change of a saved key; what is left out stays."""

    name = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never.")
    disabled = serializers.BooleanField(required=False, help_text="Keep the key and let nobody in with it.")


class AccessRuleSerializer(CamelModelSerializer):
    """A range of addresses that may connect."""

    standing = serializers.SerializerMethodField(help_text=STANDING)

    class Meta:
        model = AccessRule
        fields = ["id", "cidr", "note", "added_at", "expires_at", "standing"]

    @extend_schema_field(serializers.ChoiceField(STANDINGS))
    def get_standing(self, rule: AccessRule) -> str:
        return validity.rule_validity(rule).value


class NewAccessRuleSerializer(CamelSerializer):
    """A rule to save."""

    cidr = serializers.CharField(allow_blank=True)
    note = serializers.CharField(required=False, allow_blank=True, default="")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class AccessRulePatchSerializer(CamelSerializer):
    """What to change of a saved rule; what is left out stays."""

    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never.")


class SavedAccessRuleSerializer(AccessRuleSerializer):
    """A rule just saved; `notice` says in a sentence if the text was changed to get it."""

    notice = serializers.CharField(allow_null=True)

    class Meta(AccessRuleSerializer.Meta):
        fields = [*AccessRuleSerializer.Meta.fields, "notice"]


class JobSettingsSerializer(CamelSerializer):
    """The switches of Job Settings, and whether the caller's own address may connect now."""

    auto_terminate_cluster = serializers.BooleanField()
    ssh_access = serializers.BooleanField()
    current_address = serializers.CharField()
    current_address_allowed = serializers.BooleanField()


class JobSettingsPatchSerializer(CamelSerializer):
    """What to switch; what is left out stays."""

    auto_terminate_cluster = serializers.BooleanField(required=False)
    ssh_access = serializers.BooleanField(required=False)


class CredentialsSerializer(CamelSerializer):
    """What a person signs in with."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(trim_whitespace=False, max_length=4096)


class TokenSerializer(CamelSerializer):
    """A token with all rights of the person; shown once."""

    token = serializers.CharField()


class ProjectSerializer(CamelSerializer):
    """A project jobs can be put into."""

    id = serializers.CharField()
    name = serializers.CharField()


class CompanySerializer(CamelSerializer):
    """Whom the portal belongs to."""

    code = serializers.CharField()
    name = serializers.CharField()
    projects = ProjectSerializer(many=True)


class WorkspaceSerializer(CamelSerializer):
    """The workspace: a portal has one."""

    id = serializers.CharField()
    name = serializers.CharField()


class PersonSerializer(CamelModelSerializer):
    """Who is signed in."""

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
        return {"code": name, "name": name, "projects": []}

    @extend_schema_field(WorkspaceSerializer)
    def get_workspace(self, user: User) -> dict[str, str]:
        name = self.context["portal_name"]
        return {"id": name, "name": name}

    def get_max_job_hours(self, user: User) -> int:
        return int(self.context["max_job_hours"])


class AuditEventSerializer(CamelModelSerializer):
    """One thing that was done: who, on whose behalf, what, from where, before and after."""

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
