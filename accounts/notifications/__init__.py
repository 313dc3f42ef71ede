"""The one path by which people are told: an outbox row per person and kind, delivered to page, mail and webhooks.

`outbox.notify` is called in the transaction of what happened. The rows are the truth: messages to workers only make
delivery sooner, and the sweep finds whatever is due. Nothing else in Headnode sends mail.
"""
