"""The form that changes the password, which asks which API tokens to end as well."""

from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthForm
from allauth.core import context
from django import forms
from django.db import transaction

from accounts import services, source_address
from accounts.audit.trail import Actor
from accounts.models import APIToken


class ChangePasswordForm(AllauthForm):  # type: ignore[misc]  # allauth has no types
    """allauth's form, and the person's tokens to choose from."""

    end_tokens: "forms.ModelMultipleChoiceField[APIToken]" = forms.ModelMultipleChoiceField(
        queryset=None, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["end_tokens"].queryset = self.user.api_tokens.good()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Change the password, and end the tokens that were chosen: both or neither."""
        actor = Actor(self.user, source_address.source_address_of(context.request), "page")
        with transaction.atomic():
            super().save()
            for token in self.cleaned_data["end_tokens"]:
                services.end_api_token(actor, token)
