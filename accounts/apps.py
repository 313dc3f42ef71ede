"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, their keys, rules, settings and tokens, and the audit trail."""

    name = "accounts"
