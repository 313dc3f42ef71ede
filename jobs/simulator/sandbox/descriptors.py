"""Let the simulator's own process open as many descriptors as the system allows."""

import resource

MAX_DESCRIPTORS = 1 << 20


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open descriptors to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
