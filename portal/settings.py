"""Django's settings, made from the environment and from nothing else.

`portal.configuration` declares every variable, and reads and checks them: a wrong one ends any process with a sentence.
HEADNODE_VAR holds all state of an embedded instance (database, keys, files, sockets).
"""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import environ

from portal.configuration import reader
from portal.configuration.declared.notifications import CONSOLE
from portal.configuration.network_kinds import EmailURL
from portal.configuration.own_hosts import own_hosts

values = reader.read_or_exit(os.environ)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = values["HEADNODE_VAR"].resolve()

# Demo: an embedded instance or a test. Only a demo may start with the default secret key.
DEMO = values["HEADNODE_DEMO"]
DEBUG = values["HEADNODE_DEBUG"]
SECRET_KEY = values["HEADNODE_SECRET_KEY"]
SECRET_KEY_FALLBACKS = values["HEADNODE_SECRET_KEY_FALLBACKS"]

HEADNODE_NAME = values["HEADNODE_NAME"]
HEADNODE_HOST = values["HEADNODE_HOST"]
HEADNODE_PORT = values["HEADNODE_PORT"]
# Without a sandbox the portal is for one user: no second account can be added.
HEADNODE_SINGLE_PERSON = values["HEADNODE_SINGLE_PERSON"]
# Only `make run` starts the simulated cloud and ends it.
HEADNODE_SIMULATOR_ENDS_WITH_PORTAL = DEMO
HEADNODE_TRUSTED_PROXIES = values["HEADNODE_TRUSTED_PROXIES"]
HEADNODE_GATEWAY_ADDRESSES = values["HEADNODE_GATEWAY_ADDRESSES"]
HEADNODE_BROKER_URL = values["HEADNODE_BROKER_URL"]
HEADNODE_JOB_API_URL = values["HEADNODE_JOB_API_URL"]
HEADNODE_SIMULATOR_URL = values["HEADNODE_SIMULATOR_URL"]
HEADNODE_SIMULATOR_TOKEN_FILE = str(values["HEADNODE_SIMULATOR_TOKEN_FILE"] or VAR / "simulator-token")
HEADNODE_NODE_NETWORKS = values["HEADNODE_NODE_NETWORKS"]
HEADNODE_HOST_CERTIFICATE_LIFETIME = timedelta(seconds=values["HEADNODE_HOST_CERTIFICATE_SECONDS"])
HEADNODE_METRICS_ADDRESSES = values["HEADNODE_METRICS_ADDRESSES"]
HEADNODE_API_REQUESTS_PER_PERSON = values["HEADNODE_API_REQUESTS_PER_PERSON"]
HEADNODE_API_REQUESTS_PER_ADDRESS = values["HEADNODE_API_REQUESTS_PER_ADDRESS"]

HEADNODE_TOKEN_LONGEST_LIFE = timedelta(days=values["HEADNODE_TOKEN_MAX_DAYS"])
# Which scope of an API token each route and websocket needs (accounts.users.scope_checks).
HEADNODE_ROUTE_SCOPES = "portal.token_scopes.ROUTES"
HEADNODE_WEBSOCKET_SCOPES = "portal.token_scopes.WEBSOCKETS"

# The key policy (accounts.keys.key_policy): which keys and access rules users may save.
HEADNODE_KEY_TYPES = values["HEADNODE_KEY_TYPES"]
HEADNODE_RSA_MIN_BITS = values["HEADNODE_RSA_MIN_BITS"]
HEADNODE_ALLOW_EVERYWHERE = values["HEADNODE_ALLOW_EVERYWHERE"]

HEADNODE_JOB_USER_PREFIX = values["HEADNODE_JOB_USER_PREFIX"]
HEADNODE_MAX_SLOTS = values["HEADNODE_MAX_SLOTS"]
HEADNODE_MAX_JOB_HOURS = values["HEADNODE_MAX_JOB_HOURS"]
HEADNODE_MAX_OUTPUT_GB = values["HEADNODE_MAX_OUTPUT_GB"]
HEADNODE_COLLECT_LIMIT = timedelta(hours=values["HEADNODE_COLLECT_HOURS"])
HEADNODE_MAX_UPLOAD_MB = values["HEADNODE_MAX_UPLOAD_MB"]
HEADNODE_UPLOAD_QUOTA_MB = values["HEADNODE_UPLOAD_QUOTA_MB"]
HEADNODE_UPLOAD_EXPIRY = timedelta(hours=values["HEADNODE_UPLOAD_EXPIRY_HOURS"])
HEADNODE_MAX_UNPACKED_GB = values["HEADNODE_MAX_UNPACKED_GB"]
HEADNODE_KEPT_HEAD_LIMIT = timedelta(hours=values["HEADNODE_KEPT_HEAD_HOURS"])
# When nobody uses a cluster (jobs.lifetime.idle).
HEADNODE_IDLE_MINUTES = values["HEADNODE_IDLE_MINUTES"]
HEADNODE_MAX_IDLE_MINUTES = values["HEADNODE_MAX_IDLE_MINUTES"]
HEADNODE_IDLE_CPU_PERCENT = values["HEADNODE_IDLE_CPU_PERCENT"]
HEADNODE_IDLE_UNKNOWN = timedelta(minutes=values["HEADNODE_IDLE_UNKNOWN_MINUTES"])
HEADNODE_LONGEST_LIFE = timedelta(hours=values["HEADNODE_LONGEST_LIFE_HOURS"])
HEADNODE_PORTAL_ID = values["HEADNODE_PORTAL_ID"]
HEADNODE_LEFTOVER_AGE = timedelta(seconds=values["HEADNODE_LEFTOVER_AGE_SECONDS"])
HEADNODE_LEFTOVER_GRACE = timedelta(minutes=values["HEADNODE_LEFTOVER_GRACE_MINUTES"])
HEADNODE_LEFTOVER_EVERY_SECONDS = values["HEADNODE_LEFTOVER_EVERY_SECONDS"]
HEADNODE_BOOT_LIMIT = timedelta(seconds=values["HEADNODE_BOOT_LIMIT_SECONDS"])

# Gateways and the sockets over which they take connections from web: docs/design/gateways.md.
HEADNODE_GATEWAYS = values["HEADNODE_GATEWAYS"]
HEADNODE_GATEWAY_NAME = values["HEADNODE_GATEWAY_NAME"]
HEADNODE_GATEWAY_SOCKETS = str(values["HEADNODE_GATEWAY_SOCKETS"])
HEADNODE_GATEWAY_HOST = values["HEADNODE_GATEWAY_HOST"]
HEADNODE_GATEWAY_PORT = values["HEADNODE_GATEWAY_PORT"]

HEADNODE_TERMINAL_GRACE_SECONDS = values["HEADNODE_TERMINAL_GRACE_SECONDS"]
HEADNODE_TERMINAL_IDLE_SECONDS = values["HEADNODE_TERMINAL_IDLE_SECONDS"]
HEADNODE_TERMINAL_IDLE_WARNING_SECONDS = values["HEADNODE_TERMINAL_IDLE_WARNING_SECONDS"]

HEADNODE_NOTIFICATION_DAYS = values["HEADNODE_NOTIFICATION_DAYS"]

HEADNODE_RECORDING_DAYS = values["HEADNODE_RECORDING_DAYS"]
HEADNODE_RECORDING_MAX_MB = values["HEADNODE_RECORDING_MAX_MB"]
HEADNODE_RECORDING_COMPRESS = values["HEADNODE_RECORDING_COMPRESS"]

# Also the hosts under which health checks and nodes reach the portal, whatever people call it.
ALLOWED_HOSTS = sorted({*values["HEADNODE_ALLOWED_HOSTS"], *own_hosts(values)})
CSRF_TRUSTED_ORIGINS = values["HEADNODE_TRUSTED_ORIGINS"]

INSTALLED_APPS = [
    "jobs.apps.JobsConfig",
    "sshgateway.apps.SSHGatewayConfig",
    "accounts.apps.AccountsConfig",
    "portal.apps.PortalConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "channels",
    "csp",
]

MIDDLEWARE = [
    "portal.health.any_host_middleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.page_compression.PageCompression",
    "portal.cli_pages.VersionHeader",
    "accounts.rest.throttling.AddressLimit",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.views.unread.unread",
                "jobs.views.navigation.navigation",
            ],
        },
    }
]

DATABASES = {"default": environ.Env.db_url_config(values["DATABASE_URL"])}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets readers and one writer work at the same time. IMMEDIATE takes the write lock at BEGIN, so that a
    # transaction that reads and then writes waits for the lock instead of failing with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL: str = values["REDIS_URL"]


def _redis(database: int, scheme: str = "") -> str:
    """Return REDIS_URL with a database number. Celery writes unix sockets as `redis+socket://...?virtual_host=N`."""
    url = urlsplit(REDIS_URL)
    if url.scheme != "unix":
        return urlunsplit(url._replace(path=f"/{database}"))
    options = f"&{url.query}" if url.query else ""
    if scheme == "celery":
        return f"redis+socket://{url.netloc}{url.path}?virtual_host={database}{options}"
    return f"unix://{url.netloc}{url.path}?db={database}{options}"


CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _redis(2)}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [_redis(1)], "prefix": "headnode"},
    }
}

CELERY_BROKER_URL = _redis(0, "celery")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "headnode"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "jobs.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "check-budgets": {"task": "jobs.check_budgets", "schedule": 2.0, "options": {"expires": 4}},
    "end-sessions-left-open": {
        "task": "sshgateway.sweep",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "delete-old-recordings": {
        "task": "sshgateway.delete_old_recordings",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "look-for-leftovers": {
        "task": "jobs.look_for_leftovers",
        "schedule": float(HEADNODE_LEFTOVER_EVERY_SECONDS),
        "options": {"expires": HEADNODE_LEFTOVER_EVERY_SECONDS},
    },
    "expire-uploads": {"task": "jobs.expire_uploads", "schedule": 300.0, "options": {"expires": 300}},
    "remember-isolation": {"task": "jobs.remember_isolation", "schedule": 30.0, "options": {"expires": 30}},
    "remind-of-expiring-keys": {"task": "accounts.remind", "schedule": 60.0, "options": {"expires": 60}},
    "delete-ended-tokens": {
        "task": "accounts.delete_ended_tokens",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "delete-old-notifications": {
        "task": "accounts.delete_old_notifications",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    # What is due is found in the database, however its own message was lost.
    "send-due-mail": {
        "task": "accounts.send_due_mail",
        "schedule": 5.0,
        "options": {"expires": 5, "queue": "mail"},
    },
    "send-due-webhooks": {
        "task": "accounts.send_due_webhooks",
        "schedule": 5.0,
        "options": {"expires": 5, "queue": "webhooks"},
    },
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "accounts.users.allauth_adapter.AccountAdapter"
ACCOUNT_FORMS = {"change_password": "accounts.views.password_form.ChangePasswordForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}

# Notifications (accounts.notifications).
HEADNODE_PUBLIC_URL = values["HEADNODE_PUBLIC_URL"]
HEADNODE_WEBHOOK_NETWORKS = values["HEADNODE_WEBHOOK_NETWORKS"]
HEADNODE_MAIL_DIGEST_WINDOW = timedelta(minutes=values["HEADNODE_MAIL_DIGEST_MINUTES"])
EMAIL_BACKEND = values["HEADNODE_EMAIL_BACKEND"]
DEFAULT_FROM_EMAIL = values["HEADNODE_EMAIL_FROM"]
# Without a mail server, mail would only be written to the log: then none is sent, and the pages say so.
HEADNODE_HAS_MAIL = EMAIL_BACKEND != CONSOLE
EMAIL_TIMEOUT = 15
if values["HEADNODE_EMAIL_URL"]:
    globals().update(EmailURL.django_settings(urlsplit(values["HEADNODE_EMAIL_URL"])))

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = values["HEADNODE_STATIC_ROOT"]
STATICFILES_DIRS = [
    path for path in (BASE_DIR / "static" / "dist", BASE_DIR / "static" / "img") if path.is_dir()
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.static_names.HashedStaticFilesStorage"},
}
MEDIA_ROOT = VAR / "files"
# Bytes of unfinished uploads. On the disk of MEDIA_ROOT a finished one is not copied.
HEADNODE_UPLOADS = VAR / "uploads"
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.users.token_authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.rest.throttling.PersonThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "accounts.rest.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.rest.negotiation.JSONOnlyNegotiation",
    "DEFAULT_PAGINATION_CLASS": "accounts.rest.pagination.Pagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.rest.errors.exception_handler",
    "PAGE_SIZE": 10,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Headnode API",
    "DESCRIPTION": "Jobs, their clusters and SSH access to them. The format follows Rescale's v2 API.",
    "VERSION": "2",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # 'self' includes this host's websockets (CSP 3) in all browsers that we support: Chromium since 71,
        # Firefox since 62, Safari since 16.
        "connect-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        # xterm.js creates a <style> element to position its cells.
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# In the session and not in a cookie: the next user of this browser must not see messages for the previous one.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
HTTPS = values["HEADNODE_HTTPS"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Cookies do not distinguish ports, so two instances on one address need different cookie names.
SESSION_COOKIE_NAME = f"headnode_session_{HEADNODE_PORT}"
CSRF_COOKIE_NAME = f"headnode_csrf_{HEADNODE_PORT}"
SECURE_SSL_REDIRECT = values["HEADNODE_SSL_REDIRECT"]
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^context/"]
SECURE_HSTS_SECONDS = values["HEADNODE_HSTS_SECONDS"]
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
# Other hosts of the domain may not support HTTPS.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HEADNODE_TRUSTED_PROXIES else None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": values["HEADNODE_LOG_LEVEL"]},
    "loggers": {
        # paramiko logs every negotiation, httpx every request.
        "paramiko": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        # It logs the URL of each websocket, which contains the id of a terminal session.
        "uvicorn.error": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "WARNING"},
    },
}
