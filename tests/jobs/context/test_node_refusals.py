"""Every reason with which the broker refuses a node has a sentence, a status, and an entry in the documentation."""

import pytest
from django.conf import settings

from jobs.context.node_refusals import NodeRefusal


@pytest.mark.parametrize("reason", NodeRefusal)
def test_a_reason_has_a_sentence_and_a_status(reason: NodeRefusal) -> None:
    refused = reason.refused()
    assert refused.reason == reason.value
    assert refused.message.endswith(".")
    assert refused.status in (400, 401, 409, 413)
    assert reason.refused("The disk is full.").message == "The disk is full."


@pytest.mark.parametrize("reason", NodeRefusal)
def test_a_reason_is_documented(reason: NodeRefusal) -> None:
    page = (settings.BASE_DIR / "docs" / "context.md").read_text()
    assert f"`{reason.value}`" in page
