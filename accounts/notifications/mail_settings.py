"""Whether mail can be sent, and the portal's address in links."""

from urllib.parse import urljoin

from django.conf import settings


def has_mail_server() -> bool:
    """Return whether the administrator has set up mail. Without, everything works but mail."""
    return bool(settings.HEADNODE_HAS_MAIL)


def absolute(path: str) -> str:
    """Return the address of a path of this portal, as people outside of a page need it."""
    return str(urljoin(settings.HEADNODE_PUBLIC_URL, path))
