"""Settings of mail and webhooks: where links lead, how mail is sent, what webhooks may reach."""

from portal.configuration.kinds import ImportedClass, ListOf, Number, Text
from portal.configuration.network_kinds import EmailURL, NetworkBlock, ServiceURL, bracketed
from portal.configuration.setting import Group, Setting, Values, no_values
from portal.configuration.wildcard import reachable_host

SMTP = "django.core.mail.backends.smtp.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"


def _own_url(values: Values) -> str:
    """Return the address people use: the portal's name behind a TLS proxy, else the address it listens on."""
    if values["HEADNODE_HTTPS"]:
        return f"https://{values['HEADNODE_NAME']}/"
    return f"http://{bracketed(reachable_host(values['HEADNODE_HOST']))}:{values['HEADNODE_PORT']}/"


def _backend(values: Values) -> str:
    return SMTP if values["HEADNODE_EMAIL_URL"] else CONSOLE


NOTIFICATIONS = Group(
    "Notifications",
    (
        Setting(
            "HEADNODE_PUBLIC_URL",
            ServiceURL(
                ("http", "https"), "https://headnode.example.org/", may_have_path=False, ends_in_slash=True
            ),
            _own_url,
            "The portal's address for people, as links in mail have it.",
            default_shown="https://HEADNODE_NAME/ with HEADNODE_HTTPS, else where it listens",
        ),
        Setting(
            "HEADNODE_EMAIL_URL",
            EmailURL(),
            "",
            "The mail server: `smtp:` (port 25), `smtp+tls:` (STARTTLS, port 587) or `smtps:` (port 465), for example "
            "`smtp+tls://user:password@mail.example.org`. Without it no mail is sent, and the pages say so.",
            is_secret=True,
        ),
        Setting(
            "HEADNODE_EMAIL_BACKEND",
            ImportedClass(SMTP),
            _backend,
            "Another mail backend of Django's or your own, instead of HEADNODE_EMAIL_URL.",
            default_shown="SMTP, if HEADNODE_EMAIL_URL is set",
        ),
        Setting(
            "HEADNODE_EMAIL_FROM",
            Text(
                "mail address",
                r"[^\s@<>][^@<>\r\n]*@[^\s@<>]+|[^@<>\r\n]*<[^\s@<>]+@[^\s@<>]+>",
                "is not a mail address",
                "Example: headnode@example.org.",
            ),
            lambda values: f"headnode@{values['HEADNODE_NAME']}",
            "The sender of the portal's mail.",
            default_shown="headnode@HEADNODE_NAME",
        ),
        Setting(
            "HEADNODE_MAIL_DIGEST_MINUTES",
            Number(0, 1440, 15),
            15,
            "In a burst, mail to one person is collected for so long and sent as one. 0: each notification is a mail.",
        ),
        Setting(
            "HEADNODE_NOTIFICATION_DAYS",
            Number(0, 36_500, 180),
            180,
            "Notifications, and the record of their mails and webhooks, are deleted after so many days. 0: never.",
        ),
        Setting(
            "HEADNODE_WEBHOOK_NETWORKS",
            ListOf(NetworkBlock(), "networks", "10.0.0.0/8,192.0.2.7"),
            no_values,
            "Private networks that people's webhooks may be sent to. Public addresses are always allowed.",
        ),
    ),
)
