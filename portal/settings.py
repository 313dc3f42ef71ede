"""Django's settings, read from the environment and from nowhere else.

docs/operating.md lists every name. This file only reads values; `portal.checks` checks them. HEADNODE_VAR holds all
state of an embedded instance (database, keys, files, sockets).
"""

import sys
from datetime import timedelta
from pathlib import Path

import environ

from accounts.keys.key_blob import RSA_SHORTEST_BITS
from accounts.keys.key_refusals import ACCEPTED_TYPES

env = environ.Env()

# Where the system has more than one loopback address, the simulator gives each node its own.
SIMULATOR_NETWORK = "127.20.0.0/16" if sys.platform == "linux" else "127.0.0.1"

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.str("HEADNODE_VAR", default=str(BASE_DIR / "var"))).resolve()

# Demo: an embedded instance or a test. Only a demo may start with the default secret key.
DEMO = env.bool("HEADNODE_DEMO", default=False)
DEBUG = env.bool("HEADNODE_DEBUG", default=False)
INSECURE_SECRET_KEY = "headnode-insecure-key-for-tests-and-first-looks-only"
SECRET_KEY = env.str("HEADNODE_SECRET_KEY", default=INSECURE_SECRET_KEY)
SECRET_KEY_FALLBACKS = env.list("HEADNODE_SECRET_KEY_FALLBACKS", default=[])

HEADNODE_NAME = env.str("HEADNODE_NAME", default="headnode.local")
HEADNODE_HOST = env.str("HEADNODE_HOST", default="127.0.0.1")
HEADNODE_PORT = env.int("HEADNODE_PORT", default=8000)
# Without a sandbox the portal is for one user: no second account can be added.
HEADNODE_SINGLE_PERSON = env.bool("HEADNODE_SINGLE_PERSON", default=False)
HEADNODE_TRUSTED_PROXIES = env.list("HEADNODE_TRUSTED_PROXIES", default=[])
# The source addresses of the portal's own connections, as the nodes see them.
HEADNODE_GATEWAY_ADDRESSES = env.list("HEADNODE_GATEWAY_ADDRESSES", default=["127.0.0.1"])
# The URL at which nodes reach the context broker.
HEADNODE_BROKER_URL = env.str(
    "HEADNODE_BROKER_URL", default=f"http://{HEADNODE_HOST}:{HEADNODE_PORT}/context/v1/"
)
HEADNODE_SIMULATOR_URL = env.str("HEADNODE_SIMULATOR_URL", default=f"unix:{VAR / 'simulator.sock'}")
HEADNODE_SIMULATOR_TOKEN_FILE = env.str("HEADNODE_SIMULATOR_TOKEN_FILE", default=str(VAR / "simulator-token"))
# The networks of the nodes. The host authority signs and is trusted for these addresses only (docs/host-trust.md).
HEADNODE_NODE_NETWORKS = env.list(
    "HEADNODE_NODE_NETWORKS",
    default=[env.str("HEADNODE_SIMULATOR_ADDRESS", default="") or SIMULATOR_NETWORK],
)
HEADNODE_HOST_CERTIFICATE_LIFETIME = timedelta(
    seconds=env.int("HEADNODE_HOST_CERTIFICATE_SECONDS", default=24 * 3600)
)
HEADNODE_METRICS_ADDRESSES = env.list("HEADNODE_METRICS_ADDRESSES", default=["127.0.0.0/8", "::1/128"])

# The key policy (accounts.keys.key_policy): which keys and access rules users may save.
HEADNODE_KEY_TYPES = env.list("HEADNODE_KEY_TYPES", default=list(ACCEPTED_TYPES))
HEADNODE_RSA_MIN_BITS = env.int("HEADNODE_RSA_MIN_BITS", default=RSA_SHORTEST_BITS)
HEADNODE_ALLOW_EVERYWHERE = env.bool("HEADNODE_ALLOW_EVERYWHERE", default=True)

HEADNODE_JOB_USER_PREFIX = env.str("HEADNODE_JOB_USER_PREFIX", default="uprod_")
HEADNODE_MAX_SLOTS = env.int("HEADNODE_MAX_SLOTS", default=64)
HEADNODE_MAX_JOB_HOURS = env.int("HEADNODE_MAX_JOB_HOURS", default=48)
# The limit for all output files of a job together.
HEADNODE_MAX_OUTPUT_GB = env.int("HEADNODE_MAX_OUTPUT_GB", default=100)
# How long collecting output files may take. After that the cluster is released without the rest.
HEADNODE_COLLECT_LIMIT = timedelta(hours=env.int("HEADNODE_COLLECT_HOURS", default=6))
HEADNODE_MAX_UPLOAD_MB = env.int("HEADNODE_MAX_UPLOAD_MB", default=4096)
# The limit for head nodes that are kept after their command.
HEADNODE_KEPT_HEAD_LIMIT = timedelta(hours=env.int("HEADNODE_KEPT_HEAD_HOURS", default=24))
# The maximum lifetime of every cluster, extensions included.
HEADNODE_LONGEST_LIFE = timedelta(hours=env.int("HEADNODE_LONGEST_LIFE_HOURS", default=96))
# This portal's id, sent with every order to a shared cloud. If empty, a random id is kept in the database.
HEADNODE_PORTAL_ID = env.str("HEADNODE_PORTAL_ID", default="")
# A cluster that no job uses is listed at this age, and removed automatically after the grace period on the list.
HEADNODE_LEFTOVER_AGE = timedelta(seconds=env.int("HEADNODE_LEFTOVER_AGE_SECONDS", default=300))
HEADNODE_LEFTOVER_GRACE = timedelta(minutes=env.int("HEADNODE_LEFTOVER_GRACE_MINUTES", default=60))
HEADNODE_LEFTOVER_EVERY_SECONDS = env.int("HEADNODE_LEFTOVER_EVERY_SECONDS", default=60)
HEADNODE_BOOT_LIMIT = timedelta(seconds=env.int("HEADNODE_BOOT_LIMIT_SECONDS", default=600))

# The names of the gateway processes that hold the shells. If empty, the web process holds them.
HEADNODE_GATEWAYS = env.list("HEADNODE_GATEWAYS", default=[])
# The name of this gateway. Set in gateway processes only.
HEADNODE_GATEWAY_NAME = env.str("HEADNODE_GATEWAY_NAME", default="")
# The folder of the sockets over which gateways take connections from the web process (docs/design/gateways.md).
HEADNODE_GATEWAY_SOCKETS = env.str("HEADNODE_GATEWAY_SOCKETS", default="")
# Where a gateway listens for a proxy that routes /ws/gateways/<name>/ to it, and for health checks. 0: it does not.
HEADNODE_GATEWAY_HOST = env.str("HEADNODE_GATEWAY_HOST", default=HEADNODE_HOST)
HEADNODE_GATEWAY_PORT = env.int("HEADNODE_GATEWAY_PORT", default=0)

# How long a shell is kept after its browser disconnected.
HEADNODE_TERMINAL_GRACE_SECONDS = env.int("HEADNODE_TERMINAL_GRACE_SECONDS", default=60)
# A terminal without input is closed after this time, with a warning before. 0: never.
HEADNODE_TERMINAL_IDLE_SECONDS = env.int("HEADNODE_TERMINAL_IDLE_SECONDS", default=12 * 3600)
HEADNODE_TERMINAL_IDLE_WARNING_SECONDS = env.int("HEADNODE_TERMINAL_IDLE_WARNING_SECONDS", default=120)

# Recordings of terminals: how long they are kept (0: forever), their maximum size, and whether they are compressed.
HEADNODE_RECORDING_DAYS = env.int("HEADNODE_RECORDING_DAYS", default=90)
HEADNODE_RECORDING_MAX_MB = env.int("HEADNODE_RECORDING_MAX_MB", default=64)
HEADNODE_RECORDING_COMPRESS = env.bool("HEADNODE_RECORDING_COMPRESS", default=True)

ALLOWED_HOSTS = env.list(
    "HEADNODE_ALLOWED_HOSTS", default=sorted({"127.0.0.1", "localhost", "[::1]", HEADNODE_HOST})
)
CSRF_TRUSTED_ORIGINS = env.list("HEADNODE_TRUSTED_ORIGINS", default=[])

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
    "django.middleware.security.SecurityMiddleware",
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
                "jobs.views.navigation.navigation",
            ],
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR / 'db.sqlite3'}")}
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

REDIS_URL = env.str("REDIS_URL", default=f"unix://{VAR / 'redis.sock'}")


def _redis(database: int, scheme: str = "") -> str:
    """Return REDIS_URL with a database number. Celery writes unix sockets as `redis+socket://...?virtual_host=N`."""
    if not REDIS_URL.startswith("unix://"):
        return f"{REDIS_URL.rstrip('/')}/{database}"
    path = REDIS_URL.removeprefix("unix://")
    if scheme == "celery":
        return f"redis+socket://{path}?virtual_host={database}"
    return f"unix://{path}?db={database}"


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
    "remind-of-expiring-keys": {"task": "accounts.remind", "schedule": 60.0, "options": {"expires": 60}},
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
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
EMAIL_BACKEND = env.str("HEADNODE_EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.str("HEADNODE_EMAIL_FROM", default=f"headnode@{HEADNODE_NAME}")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = env.str("HEADNODE_STATIC_ROOT", default="") or None
STATICFILES_DIRS = [
    path for path in (BASE_DIR / "static" / "dist", BASE_DIR / "static" / "img") if path.is_dir()
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = VAR / "files"
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.users.token_authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
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
        "connect-src": ["'self'", "ws:", "wss:"] if DEMO else ["'self'"],
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
HTTPS = env.bool("HEADNODE_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# Cookies do not distinguish ports, so two instances on one address need different cookie names.
SESSION_COOKIE_NAME = f"headnode_session_{HEADNODE_PORT}"
CSRF_COOKIE_NAME = f"headnode_csrf_{HEADNODE_PORT}"
SECURE_SSL_REDIRECT = env.bool("HEADNODE_SSL_REDIRECT", default=HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^context/"]
SECURE_HSTS_SECONDS = env.int("HEADNODE_HSTS_SECONDS", default=31536000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
# Other hosts of the domain may not support HTTPS.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HEADNODE_TRUSTED_PROXIES else None

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("HEADNODE_LOG_LEVEL", default="INFO")},
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
