"""What Playwright's synchronous API may leave behind in a thread."""

import asyncio


def forget() -> None:
    """Forget a loop that is still marked as running after its browser is gone.

    Playwright resets the mark when it stops in order. When Chromium died under it, it does not, and every later test in
    this process would be refused the database ("async context"): one failure would look like hundreds.
    """
    asyncio._set_running_loop(None)
